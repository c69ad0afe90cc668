use super::super::testing::check;
use super::*;

#[test]
fn places_and_ports_of_old_and_new_documents_come_out_the_same() {
    for (xml, expected) in [
        (
            "<graphics type='vnc'/>",
            "<graphics type='vnc' port='-1' autoport='yes'>\n  <listen type='address'/>\n</graphics>",
        ),
        (
            "<graphics type='vnc' port='5907' listen='10.0.0.1' passwd='tiger' connected='keep'/>",
            "<graphics type='vnc' port='5907' autoport='no' listen='10.0.0.1' connected='keep'>\n  <listen type='address' address='10.0.0.1'/>\n</graphics>",
        ),
        (
            "<graphics type='vnc' socket='/run/vnc'><listen type='address' address='10.0.0.1'/></graphics>",
            "<graphics type='vnc' socket='/run/vnc'>\n  <listen type='socket' socket='/run/vnc'/>\n</graphics>",
        ),
        (
            "<graphics type='vnc' sharePolicy='default' powerControl='no'><listen type='none'/></graphics>",
            "<graphics type='vnc' powerControl='no'>\n  <listen type='none'/>\n</graphics>",
        ),
        (
            "<graphics type='spice' port='5900' autoport='yes'><listen type='network' network='lab' address='10.0.0.1'/></graphics>",
            "<graphics type='spice' autoport='yes'>\n  <listen type='network' network='lab'/>\n</graphics>",
        ),
        ("<graphics type='spice'/>", "<graphics type='spice'>\n  <listen type='none'/>\n</graphics>"),
        (
            "<graphics type='rdp' multiUser='yes'/>",
            "<graphics type='rdp' port='0' autoport='yes' multiUser='yes'>\n  <listen type='address'/>\n</graphics>",
        ),
    ] {
        check::<Graphics>(xml, expected);
    }
}

#[test]
fn settings_come_out_in_order() {
    check::<Graphics>(
        "<graphics type='spice' tlsPort='5901' defaultMode='secure'>
           <mouse mode='client'/><gl enable='yes' rendernode='/dev/dri/renderD129'/><playback compression='on'/>
           <channel name='record' mode='insecure'/><channel name='main' mode='secure'/><channel name='inputs' mode='any'/>
           <image compression='quic'/></graphics>",
        "<graphics type='spice' tlsPort='5901' autoport='no' defaultMode='secure'>
  <listen type='address'/>
  <channel name='main' mode='secure'/>
  <channel name='record' mode='insecure'/>
  <image compression='quic'/>
  <playback compression='on'/>
  <mouse mode='client'/>
  <gl enable='yes' rendernode='/dev/dri/renderD129'/>
</graphics>",
    );
    check::<Graphics>(
        "<graphics type='sdl' xauth='/root/.Xauthority' display=':1' fullscreen='yes'><gl enable='no'/></graphics>",
        "<graphics type='sdl' display=':1' xauth='/root/.Xauthority' fullscreen='yes'>\n  <gl enable='no'/>\n</graphics>",
    );
    check::<Graphics>("<graphics type='egl-headless'><gl/></graphics>", "<graphics type='egl-headless'/>");
    check::<Graphics>(
        "<graphics type='dbus' p2p='yes'><gl enable='yes'/></graphics>",
        "<graphics type='dbus' p2p='yes'>\n  <gl enable='yes'/>\n</graphics>",
    );
}

#[test]
fn contradictions_are_refused() {
    for (xml, expected) in [
        ("<graphics/>", "XML error: Missing required attribute 'type' in element 'graphics'"),
        ("<graphics type='vnc' port='x'/>", "internal error: cannot parse vnc port x"),
        (
            "<graphics type='vnc' passwd='a' connected='fail'/>",
            "unsupported configuration: VNC supports connected='keep' only",
        ),
        (
            "<graphics type='vnc' passwd='a' passwdValidTo='tomorrow'/>",
            "internal error: cannot parse password validity time 'tomorrow', expect YYYY-MM-DDTHH:MM:SS",
        ),
        (
            "<graphics type='vnc' listen='1.1.1.1'><listen type='address' address='1.1.1.2'/></graphics>",
            "unsupported configuration: graphics 'listen' attribute '1.1.1.1' must match 'address' attribute of first listen element (found '1.1.1.2')",
        ),
        (
            "<graphics type='rdp'><listen type='socket'/></graphics>",
            "unsupported configuration: listen type 'socket' is not available for graphics type 'rdp'",
        ),
        (
            "<graphics type='spice'><listen type='address' network='lab'/></graphics>",
            "XML error: 'network' attribute is valid only for listen type 'network'",
        ),
        ("<graphics type='vnc'><audio id='3'/></graphics>", "XML error: no audio device with ID 3"),
        (
            "<graphics type='dbus' p2p='yes' address='unix:path=/run/bus'/>",
            "XML error: D-Bus p2p with an address is not supported",
        ),
    ] {
        check::<Graphics>(xml, expected);
    }
}
