//! `<resource>`: the control group partition and the fabric's id of a guest.

/// `<resource>`
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Resource {
    /// `<partition>`: an absolute path.
    pub partition: Option<String>,
    /// `<fibrechannel appid='…'/>`
    pub appid: Option<String>,
}
