//! `virt-leaseshelper`: called by dnsmasq, writes down who has which address.

fn main() -> std::process::ExitCode {
    virt_network::leases_helper::main()
}
