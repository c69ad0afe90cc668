//! Block devices and jobs.

use super::{Empty, Object};

object_commands! {
    /// Adds a node: `driver`, `node-name`, and what the driver needs.
    "blockdev-add" BlockdevAdd;
    /// Throttles a device: `device` or `id`, and limits.
    "block_set_io_throttle" BlockSetIoThrottle;
    /// Copies a device to another.
    "blockdev-mirror" BlockdevMirror;
    /// Copies a device's present contents to another.
    "blockdev-backup" BlockdevBackup;
    /// Moves the contents of a chain down.
    "block-commit" BlockCommit;
    /// Moves the contents of a chain up.
    "block-stream" BlockStream;
    /// Makes an image.
    "blockdev-create" BlockdevCreate;
    /// Exports a node over NBD, and the like.
    "block-export-add" BlockExportAdd;
}

commands! {
    /// Removes a node.
    "blockdev-del" BlockdevDel {
        /// Its name.
        node_name: String,
    } -> Empty;
    /// Replaces nodes by such with other options.
    "blockdev-reopen" BlockdevReopen {
        /// All options of each.
        options: Vec<Object>,
    } -> Empty;
    /// The devices that guests see.
    "query-block" QueryBlock {} -> Vec<BlockInfo>;
    /// The nodes.
    "query-named-block-nodes" QueryNamedBlockNodes {;
        /// Without the chain of backing images.
        flat: bool,
    } -> Vec<BlockNode>;
    /// Counters.
    "query-blockstats" QueryBlockstats {;
        /// By node.
        #[serde(rename = "query-nodes")]
        query_nodes: bool,
    } -> Vec<Object>;
    /// Changes a device's size.
    "block_resize" BlockResize {
        /// Bytes.
        size: u64;
        /// The device.
        device: String,
        /// The node.
        #[serde(rename = "node-name")]
        node_name: String,
    } -> Empty;
    /// Has [`BlockWriteThreshold`](crate::event::BlockWriteThreshold) sent once the node is written beyond an offset.
    "block-set-write-threshold" BlockSetWriteThreshold {
        /// The node.
        node_name: String,
        /// Bytes; 0 is never.
        write_threshold: u64,
    } -> Empty;
    /// Opens a tray; the guest may be asked first.
    "eject" Eject {;
        /// The device.
        id: String,
        /// Without asking.
        force: bool,
    } -> Empty;
    /// Opens a tray.
    "blockdev-open-tray" BlockdevOpenTray {
        /// The device.
        id: String;
        /// Without asking the guest.
        force: bool,
    } -> Empty;
    /// Closes a tray.
    "blockdev-close-tray" BlockdevCloseTray {
        /// The device.
        id: String,
    } -> Empty;
    /// Takes the medium out of an open tray.
    "blockdev-remove-medium" BlockdevRemoveMedium {
        /// The device.
        id: String,
    } -> Empty;
    /// Puts a medium into an open tray.
    "blockdev-insert-medium" BlockdevInsertMedium {
        /// The device.
        id: String,
        /// The node.
        node_name: String,
    } -> Empty;
    /// Does several actions, or none.
    "transaction" Transaction {
        /// `type` and `data` of each.
        actions: Vec<Object>,
    } -> Empty;
    /// The jobs.
    "query-jobs" QueryJobs {} -> Vec<JobInfo>;
    /// The block jobs, in the older form.
    "query-block-jobs" QueryBlockJobs {} -> Vec<Object>;
    /// Gives a job up.
    "block-job-cancel" BlockJobCancel {
        /// Its name.
        device: String;
        /// Even if it is paused.
        force: bool,
    } -> Empty;
    /// Ends a job of type mirror or commit.
    "job-complete" JobComplete {
        /// Its name.
        id: String,
    } -> Empty;
    /// Gives a job up.
    "job-cancel" JobCancel {
        /// Its name.
        id: String,
    } -> Empty;
    /// Forgets a finished job.
    "job-dismiss" JobDismiss {
        /// Its name.
        id: String,
    } -> Empty;
    /// Makes a pending job final.
    "job-finalize" JobFinalize {
        /// Its name.
        id: String,
    } -> Empty;
    /// Changes a job's speed.
    "block-job-set-speed" BlockJobSetSpeed {
        /// Its name.
        device: String,
        /// Bytes per second; 0 is no limit.
        speed: u64,
    } -> Empty;
}

replies! {
    /// Answer to [`QueryBlock`].
    BlockInfo {
        /// The device's name (of `-drive`); may be empty.
        device: String,
        /// Whether its medium can be changed.
        removable: bool,
        /// Whether the guest has locked the tray.
        locked: bool;
        /// The path of the device in QEMU's object tree, or its id.
        qdev: String,
        /// Whether the tray is open.
        #[serde(rename = "tray_open")]
        tray_open: bool,
        /// What has happened to I/O: `ok`, `failed`, `nospace`.
        io_status: String,
        /// What is in.
        inserted: BlockNode,
    }
    /// Answer to [`QueryNamedBlockNodes`].
    BlockNode {
        /// The driver.
        drv: String,
        /// The image's name.
        file: String,
        /// Read-only.
        ro: bool;
        /// The node's name.
        node_name: String,
        /// The image under this one.
        #[serde(rename = "backing_file")]
        backing_file: String,
        /// How many images are under this one.
        #[serde(rename = "backing_file_depth")]
        backing_file_depth: u64,
        /// Sizes, and the like.
        image: Object,
        /// Bytes up to which the image was written, with `write_threshold`.
        #[serde(rename = "write_threshold")]
        write_threshold: u64,
    }
    /// Answer to [`QueryJobs`].
    JobInfo {
        /// Its name.
        id: String,
        /// `mirror`, `commit`, `stream`, `backup`, `create`, …
        #[serde(rename = "type")]
        kind: String,
        /// Its state.
        status: crate::event::JobStatus,
        /// How far it is, of `total_progress`.
        current_progress: i64,
        /// An estimate.
        total_progress: i64;
        /// Why it failed.
        error: String,
    }
}
