use virt_conf::ParseFlags;
use virt_types::ErrorCode;

use super::*;
use crate::caps::Cap;
use crate::config::Config;
use crate::host::Host;

fn capabilities() -> Capabilities {
    Capabilities { caps: Cap::TABLE.iter().map(|(cap, _)| *cap).collect(), ..Capabilities::default() }
}

fn domain(machine: &str, controllers: &str) -> Domain {
    let xml = format!(
        "<domain type='qemu'><name>t</name><memory>1</memory><os><type arch='x86_64' machine='{machine}'>hvm</type></os><devices>{controllers}</devices></domain>"
    );
    let mut domain = Domain::parse(&xml, ParseFlags::empty()).unwrap();
    for controller in &mut domain.devices.controllers {
        let alias = format!("{}{}", controller.controller_type(), controller.index_text());
        controller.info.alias.get_or_insert(alias);
    }
    domain
}

fn plan(domain: &Domain) -> Result<String> {
    let (caps, config, host) = (capabilities(), Config::system(), Host::default());
    let mut cx = PlanContext::new(domain, &caps, &config, &host);
    plan_all(&mut cx)?;
    Ok(cx.plan.argv().join(" "))
}

#[test]
fn controllers_come_by_type_and_without_those_of_the_board() {
    let domain = domain(
        "pc-q35-7.2",
        "<controller type='sata' index='0'/><controller type='scsi' index='0' model='virtio-scsi'>
           <driver queues='2' iothread='1' iommu='on'/><address type='pci' bus='1'/><alias name='scsi0'/></controller>
         <controller type='usb' index='0' model='ich9-uhci1'><master startport='0'/><address type='pci' slot='0x1d' multifunction='on'/></controller>
         <controller type='usb' index='0' model='ich9-ehci1'><address type='pci' slot='0x1d' function='7'/><alias name='usb'/></controller>
         <controller type='pci' index='0' model='pcie-root'/>
         <controller type='pci' index='1' model='pcie-root-port'><model name='pcie-root-port'/><target chassis='1' port='16'/><address type='pci' slot='2'/></controller>",
    );
    assert_eq!(
        plan(&domain).unwrap(),
        concat!(
            r#"-device {"driver":"pcie-root-port","port":16,"chassis":1,"id":"pci1","bus":"pci0","addr":"0x2"} "#,
            r#"-device {"driver":"ich9-usb-uhci1","masterbus":"usb.0","firstport":0,"bus":"pci0","multifunction":true,"addr":"0x1d"} "#,
            r#"-device {"driver":"ich9-usb-ehci1","id":"usb","bus":"pci0","addr":"0x1d.0x7"} "#,
            r#"-device {"driver":"virtio-scsi-pci","iommu_platform":true,"iothread":"iothread1","id":"scsi0","num_queues":2,"bus":"pci1","addr":"0x0"}"#
        )
    );
}

#[test]
fn the_boards_usb_is_asked_for_where_nothing_is_said() {
    for (machine, controllers, expected) in [
        ("pc-i440fx-7.2", "", "-usb"),
        ("pc-q35-7.2", "", ""),
        ("pc-i440fx-7.2", "<controller type='usb' index='0' model='none'/>", ""),
        ("pc-i440fx-7.2", "<controller type='usb' index='0'/>", "-usb"),
    ] {
        assert_eq!(plan(&domain(machine, controllers)).unwrap(), expected, "{machine} {controllers}");
    }
}

#[test]
fn each_model_takes_its_options_only() {
    let (caps, config, host) = (capabilities(), Config::system(), Host::default());
    for (controller, expected) in [
        ("<controller type='ide' index='1'/>", Err(ErrorCode::ConfigUnsupported)),
        ("<controller type='ide' index='0'/>", Ok(())),
        (
            "<controller type='pci' index='1' model='pci-bridge'><model name='pci-bridge'/></controller>",
            Err(ErrorCode::InternalError),
        ),
        (
            "<controller type='pci' index='1' model='pci-bridge'><model name='pxb'/></controller>",
            Err(ErrorCode::ConfigUnsupported),
        ),
        (
            "<controller type='pci' index='1' model='pci-bridge'><model name='pci-bridge'/><target chassisNr='1' port='2'/></controller>",
            Err(ErrorCode::ConfigUnsupported),
        ),
        (
            "<controller type='pci' index='1' model='pci-bridge'><model name='pci-bridge'/><target chassisNr='1'/></controller>",
            Ok(()),
        ),
        ("<controller type='pci' index='1' model='pci-root'/>", Err(ErrorCode::ConfigUnsupported)),
        ("<controller type='scsi' index='0' model='buslogic'/>", Err(ErrorCode::ConfigUnsupported)),
        (
            "<controller type='scsi' index='0' model='lsilogic'><driver queues='4'/></controller>",
            Err(ErrorCode::ConfigUnsupported),
        ),
    ] {
        let domain = domain("pc-i440fx-7.2", controller);
        let cx = QemuContext {
            domain: &domain,
            caps: &caps,
            config: &config,
            host: &host,
            flags: ParseFlags::empty(),
        };
        let found = domain.devices.controllers[0].check(&cx).map_err(|error| error.code());
        assert_eq!(found, expected, "{controller}");
    }
}

#[test]
fn boards_have_default_models() {
    let config = Config::system();
    let host = Host::default();
    let caps = capabilities();
    for (machine, controller, expected) in [
        ("pc", "<controller type='usb' index='0'/>", Some("piix3-uhci")),
        ("pc", "<controller type='scsi' index='0'/>", Some("lsilogic")),
        ("pc", "<controller type='scsi' index='0' model='auto'/>", Some("lsilogic")),
    ] {
        let domain = domain(machine, controller);
        let mut controller = domain.devices.controllers[0].clone();
        let cx = QemuContext {
            domain: &domain,
            caps: &caps,
            config: &config,
            host: &host,
            flags: ParseFlags::ABI_UPDATE,
        };
        controller.complete(&cx).unwrap();
        assert_eq!(controller.kind.model_text(), expected);
    }
}
