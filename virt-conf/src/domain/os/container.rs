//! `<init>` and the like: the first process of a container.

/// `<initenv>`
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitEnv {
    /// `name`
    pub name: String,
    /// The element's text.
    pub value: String,
}

/// The first process of a container.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Init {
    /// `<init>`
    pub path: Option<String>,
    /// `<initarg>`
    pub args: Vec<String>,
    /// `<initenv>`
    pub env: Vec<InitEnv>,
    /// `<initdir>`
    pub dir: Option<String>,
    /// `<inituser>`
    pub user: Option<String>,
    /// `<initgroup>`
    pub group: Option<String>,
}
