//! Older procedures that do the same, for peers without the newer ones.

use virt_proto::remote::*;
use virt_proto::{Procedure, Row};

/// A procedure and an older one with the same arguments but for what stands at the end: so many bytes, which have to be
/// zero. Replies have the same form.
const ROWS: &[(&Row, &Row, usize)] = &[
    (DomainDefineXmlFlags::ROW, DomainDefineXml::ROW, FLAGS),
    (DomainUndefineFlags::ROW, DomainUndefine::ROW, FLAGS),
    (DomainDestroyFlags::ROW, DomainDestroy::ROW, FLAGS),
    (DomainShutdownFlags::ROW, DomainShutdown::ROW, FLAGS),
    (DomainAbortJobFlags::ROW, DomainAbortJob::ROW, FLAGS),
    (DomainSetSchedulerParametersFlags::ROW, DomainSetSchedulerParameters::ROW, FLAGS),
    (DomainGetSchedulerParametersFlags::ROW, DomainGetSchedulerParameters::ROW, FLAGS),
    (DomainSaveFlags::ROW, DomainSave::ROW, ABSENT + FLAGS),
    (DomainRestoreFlags::ROW, DomainRestore::ROW, ABSENT + FLAGS),
    (NetworkDefineXmlFlags::ROW, NetworkDefineXml::ROW, FLAGS),
    (NetworkCreateXmlFlags::ROW, NetworkCreateXml::ROW, FLAGS),
    (NwfilterDefineXmlFlags::ROW, NwfilterDefineXml::ROW, FLAGS),
    (StorageVolGetInfoFlags::ROW, StorageVolGetInfo::ROW, FLAGS),
    (NodeDeviceDetachFlags::ROW, NodeDeviceDettach::ROW, ABSENT + FLAGS),
];

const FLAGS: usize = 4;

/// An optional argument that is not there.
const ABSENT: usize = 4;

/// The older procedure and its arguments, if there is one that can carry these.
pub(super) fn instead_of(row: &Row, payload: &[u8]) -> Option<(&'static Row, Vec<u8>)> {
    let (_, older, surplus) = ROWS.iter().find(|(newer, ..)| *newer == row)?;
    let (args, rest) = payload.split_at_checked(payload.len().checked_sub(*surplus)?)?;
    rest.iter().all(|byte| *byte == 0).then(|| (*older, args.to_vec()))
}

#[cfg(test)]
mod tests {
    use virt_proto::Payload;
    use virt_proto::xdr::Shape;

    use super::*;

    fn fields(payload: Payload) -> Vec<Shape> {
        match payload.shape {
            Shape::Struct(shape) => shape.fields.iter().map(|field| field.shape).collect(),
            _ => Vec::new(),
        }
    }

    #[test]
    fn what_is_cut_off_is_what_the_older_procedure_lacks() {
        for (newer, older, surplus) in ROWS {
            let (new, old) = (fields(newer.args), fields(older.args));
            assert_eq!(old, new[..old.len()], "{newer:?}");
            assert_eq!((new.len() - old.len()) * 4, *surplus, "{newer:?}");
            assert_eq!(fields(newer.reply), fields(older.reply), "{newer:?}");
        }
    }

    #[test]
    fn flags_are_never_dropped() {
        let args = |flags| {
            virt_proto::xdr::encode(&NetworkDefineXmlFlagsArgs { xml: "<network/>".into(), flags }).unwrap()
        };
        let (row, older) = instead_of(NetworkDefineXmlFlags::ROW, &args(0)).unwrap();
        assert_eq!(row, NetworkDefineXml::ROW);
        let expected = NetworkDefineXmlArgs { xml: "<network/>".into() };
        assert_eq!(virt_proto::xdr::decode::<NetworkDefineXmlArgs>(&older), Ok(expected));
        assert!(instead_of(NetworkDefineXmlFlags::ROW, &args(1)).is_none());
        assert!(instead_of(ConnectGetType::ROW, &[]).is_none());
    }
}
