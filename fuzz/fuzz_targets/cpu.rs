//! Any CPU document: what is read of it can be compared, combined with itself, and written again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use virt_cpu::Description;
use virt_types::Arch;

fuzz_target!(|text: &str| {
    let Ok(description) = Description::parse(text) else { return };
    let _ = virt_cpu::compare(Arch::X86_64, Some(&description), &description, true);
    if let Ok(mut cpu) = virt_cpu::baseline(Arch::X86_64, &[description.clone(), description], false) {
        let _ = virt_cpu::expand(Arch::X86_64, &mut cpu);
        let written = cpu.to_xml();
        if let Err(error) = Description::parse(&written) {
            panic!("{error}: written as\n{written}");
        }
    }
});
