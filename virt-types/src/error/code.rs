// tidy: table
//! Error numbers (`virErrorNumber`) with the sentence that opens each message.

/// Expands one row per error: number, variant, libvirt's constant, the sentence without and with a detail.
macro_rules! error_codes {
    ($($number:literal $variant:ident $constant:literal $bare:literal $detailed:literal;)+) => {
        /// A libvirt error number, as it travels on the wire (`virErrorNumber`, `libvirt/virterror.h`).
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        #[repr(i32)]
        pub enum ErrorCode {
            $(#[doc = $constant] $variant = $number,)+
        }

        impl ErrorCode {
            /// Every code, in number order.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// libvirt's name of the constant, such as `VIR_ERR_NO_DOMAIN`.
            #[must_use]
            pub const fn constant(self) -> &'static str {
                match self { $(Self::$variant => $constant,)+ }
            }

            /// The code with this number, if there is one.
            #[must_use]
            pub const fn from_number(number: i32) -> Option<Self> {
                match number { $($number => Some(Self::$variant),)+ _ => None }
            }

            const fn sentences(self) -> (&'static str, &'static str) {
                match self { $(Self::$variant => ($bare, $detailed),)+ }
            }
        }
    };
}

impl ErrorCode {
    /// The number on the wire.
    #[must_use]
    pub const fn number(self) -> i32 {
        self as i32
    }

    /// The whole message that libvirt's clients see for this code and detail.
    ///
    /// ```
    /// use virt_types::ErrorCode;
    /// assert_eq!(ErrorCode::NoDomain.sentence("no domain with matching name 'a'"),
    ///            "Domain not found: no domain with matching name 'a'");
    /// assert_eq!(ErrorCode::NoMemory.sentence(""), "out of memory");
    /// ```
    #[must_use]
    pub fn sentence(self, detail: &str) -> String {
        let (bare, detailed) = self.sentences();
        if detail.is_empty() {
            return bare.to_owned();
        }
        match detailed.split_once("{}") {
            Some((before, after)) => format!("{before}{detail}{after}"),
            None => detail.to_owned(),
        }
    }
}

error_codes! {
      0 Ok "VIR_ERR_OK" "" "";
      1 InternalError "VIR_ERR_INTERNAL_ERROR" "internal error" "internal error: {}";
      2 NoMemory "VIR_ERR_NO_MEMORY" "out of memory" "out of memory: {}";
      3 NoSupport "VIR_ERR_NO_SUPPORT" "this function is not supported by the connection driver" "this function is not supported by the connection driver: {}";
      4 UnknownHost "VIR_ERR_UNKNOWN_HOST" "unknown host" "unknown host {}";
      5 NoConnect "VIR_ERR_NO_CONNECT" "no connection driver available" "no connection driver available for {}";
      6 InvalidConn "VIR_ERR_INVALID_CONN" "invalid connection pointer in" "invalid connection pointer in {}";
      7 InvalidDomain "VIR_ERR_INVALID_DOMAIN" "invalid domain pointer in" "invalid domain pointer in {}";
      8 InvalidArg "VIR_ERR_INVALID_ARG" "invalid argument" "invalid argument: {}";
      9 OperationFailed "VIR_ERR_OPERATION_FAILED" "operation failed" "operation failed: {}";
     10 GetFailed "VIR_ERR_GET_FAILED" "GET operation failed" "GET operation failed: {}";
     11 PostFailed "VIR_ERR_POST_FAILED" "POST operation failed" "POST operation failed: {}";
     12 HttpError "VIR_ERR_HTTP_ERROR" "got unknown HTTP error code" "got unknown HTTP error code {}";
     13 SexprSerial "VIR_ERR_SEXPR_SERIAL" "failed to serialize S-Expr" "failed to serialize S-Expr: {}";
     14 NoXen "VIR_ERR_NO_XEN" "could not use Xen hypervisor entry" "could not use Xen hypervisor entry {}";
     15 XenCall "VIR_ERR_XEN_CALL" "failed Xen syscall" "failed Xen syscall {}";
     16 OsType "VIR_ERR_OS_TYPE" "unknown OS type" "unknown OS type {}";
     17 NoKernel "VIR_ERR_NO_KERNEL" "missing kernel information" "missing kernel information: {}";
     18 NoRoot "VIR_ERR_NO_ROOT" "missing root device information" "missing root device information in {}";
     19 NoSource "VIR_ERR_NO_SOURCE" "missing source information for device" "missing source information for device {}";
     20 NoTarget "VIR_ERR_NO_TARGET" "missing target information for device" "missing target information for device {}";
     21 NoName "VIR_ERR_NO_NAME" "missing name information" "missing name information in {}";
     22 NoOs "VIR_ERR_NO_OS" "missing operating system information" "missing operating system information for {}";
     23 NoDevice "VIR_ERR_NO_DEVICE" "missing devices information" "missing devices information for {}";
     24 NoXenstore "VIR_ERR_NO_XENSTORE" "could not connect to Xen Store" "could not connect to Xen Store {}";
     25 DriverFull "VIR_ERR_DRIVER_FULL" "too many drivers registered" "too many drivers registered in {}";
     26 CallFailed "VIR_ERR_CALL_FAILED" "library call failed" "library call failed: {}";
     27 XmlError "VIR_ERR_XML_ERROR" "XML description is invalid or not well formed" "XML error: {}";
     28 DomExist "VIR_ERR_DOM_EXIST" "this domain exists already" "domain {} exists already";
     29 OperationDenied "VIR_ERR_OPERATION_DENIED" "operation forbidden for read only access" "operation forbidden: {}";
     30 OpenFailed "VIR_ERR_OPEN_FAILED" "failed to open configuration file" "failed to open configuration file {}";
     31 ReadFailed "VIR_ERR_READ_FAILED" "failed to read configuration file" "failed to read configuration file {}";
     32 ParseFailed "VIR_ERR_PARSE_FAILED" "failed to parse configuration file" "failed to parse configuration file {}";
     33 ConfSyntax "VIR_ERR_CONF_SYNTAX" "configuration file syntax error" "configuration file syntax error: {}";
     34 WriteFailed "VIR_ERR_WRITE_FAILED" "failed to write configuration file" "failed to write configuration file: {}";
     35 XmlDetail "VIR_ERR_XML_DETAIL" "parser error" "%s";
     36 InvalidNetwork "VIR_ERR_INVALID_NETWORK" "invalid network pointer in" "invalid network pointer in {}";
     37 NetworkExist "VIR_ERR_NETWORK_EXIST" "this network exists already" "network {} exists already";
     38 SystemError "VIR_ERR_SYSTEM_ERROR" "system call error" "%s";
     39 Rpc "VIR_ERR_RPC" "RPC error" "%s";
     40 GnutlsError "VIR_ERR_GNUTLS_ERROR" "GNUTLS call error" "%s";
     41 WarnNoNetwork "VIR_WAR_NO_NETWORK" "Failed to find the network" "Failed to find the network: {}";
     42 NoDomain "VIR_ERR_NO_DOMAIN" "Domain not found" "Domain not found: {}";
     43 NoNetwork "VIR_ERR_NO_NETWORK" "Network not found" "Network not found: {}";
     44 InvalidMac "VIR_ERR_INVALID_MAC" "invalid MAC address" "invalid MAC address: {}";
     45 AuthFailed "VIR_ERR_AUTH_FAILED" "authentication failed" "authentication failed: {}";
     46 InvalidStoragePool "VIR_ERR_INVALID_STORAGE_POOL" "invalid storage pool pointer in" "invalid storage pool pointer in {}";
     47 InvalidStorageVol "VIR_ERR_INVALID_STORAGE_VOL" "invalid storage volume pointer in" "invalid storage volume pointer in {}";
     48 WarnNoStorage "VIR_WAR_NO_STORAGE" "Failed to find a storage driver" "Failed to find a storage driver: {}";
     49 NoStoragePool "VIR_ERR_NO_STORAGE_POOL" "Storage pool not found" "Storage pool not found: {}";
     50 NoStorageVol "VIR_ERR_NO_STORAGE_VOL" "Storage volume not found" "Storage volume not found: {}";
     51 WarnNoNode "VIR_WAR_NO_NODE" "Failed to find a node driver" "Failed to find a node driver: {}";
     52 InvalidNodeDevice "VIR_ERR_INVALID_NODE_DEVICE" "invalid node device pointer" "invalid node device pointer in {}";
     53 NoNodeDevice "VIR_ERR_NO_NODE_DEVICE" "Node device not found" "Node device not found: {}";
     54 NoSecurityModel "VIR_ERR_NO_SECURITY_MODEL" "Security model not found" "Security model not found: {}";
     55 OperationInvalid "VIR_ERR_OPERATION_INVALID" "Requested operation is not valid" "Requested operation is not valid: {}";
     56 WarnNoInterface "VIR_WAR_NO_INTERFACE" "Failed to find the interface" "Failed to find the interface: {}";
     57 NoInterface "VIR_ERR_NO_INTERFACE" "Interface not found" "Interface not found: {}";
     58 InvalidInterface "VIR_ERR_INVALID_INTERFACE" "invalid interface pointer in" "invalid interface pointer in {}";
     59 MultipleInterfaces "VIR_ERR_MULTIPLE_INTERFACES" "multiple matching interfaces found" "multiple matching interfaces found: {}";
     60 WarnNoNwfilter "VIR_WAR_NO_NWFILTER" "Failed to start the nwfilter driver" "Failed to start the nwfilter driver: {}";
     61 InvalidNwfilter "VIR_ERR_INVALID_NWFILTER" "Invalid network filter" "Invalid network filter: {}";
     62 NoNwfilter "VIR_ERR_NO_NWFILTER" "Network filter not found" "Network filter not found: {}";
     63 BuildFirewall "VIR_ERR_BUILD_FIREWALL" "Error while building firewall" "Error while building firewall: {}";
     64 WarnNoSecret "VIR_WAR_NO_SECRET" "Failed to find a secret storage driver" "Failed to find a secret storage driver: {}";
     65 InvalidSecret "VIR_ERR_INVALID_SECRET" "Invalid secret" "Invalid secret: {}";
     66 NoSecret "VIR_ERR_NO_SECRET" "Secret not found" "Secret not found: {}";
     67 ConfigUnsupported "VIR_ERR_CONFIG_UNSUPPORTED" "unsupported configuration" "unsupported configuration: {}";
     68 OperationTimeout "VIR_ERR_OPERATION_TIMEOUT" "Timed out during operation" "Timed out during operation: {}";
     69 MigratePersistFailed "VIR_ERR_MIGRATE_PERSIST_FAILED" "Failed to make domain persistent after migration" "Failed to make domain persistent after migration: {}";
     70 HookScriptFailed "VIR_ERR_HOOK_SCRIPT_FAILED" "Hook script execution failed" "Hook script execution failed: {}";
     71 InvalidDomainSnapshot "VIR_ERR_INVALID_DOMAIN_SNAPSHOT" "Invalid domain snapshot" "Invalid domain snapshot: {}";
     72 NoDomainSnapshot "VIR_ERR_NO_DOMAIN_SNAPSHOT" "Domain snapshot not found" "Domain snapshot not found: {}";
     73 InvalidStream "VIR_ERR_INVALID_STREAM" "invalid stream pointer" "invalid stream pointer in {}";
     74 ArgumentUnsupported "VIR_ERR_ARGUMENT_UNSUPPORTED" "argument unsupported" "argument unsupported: {}";
     75 StorageProbeFailed "VIR_ERR_STORAGE_PROBE_FAILED" "Storage pool probe failed" "Storage pool probe failed: {}";
     76 StoragePoolBuilt "VIR_ERR_STORAGE_POOL_BUILT" "Storage pool already built" "Storage pool already built: {}";
     77 SnapshotRevertRisky "VIR_ERR_SNAPSHOT_REVERT_RISKY" "revert requires force" "revert requires force: {}";
     78 OperationAborted "VIR_ERR_OPERATION_ABORTED" "operation aborted" "operation aborted: {}";
     79 AuthCancelled "VIR_ERR_AUTH_CANCELLED" "authentication cancelled" "authentication cancelled: {}";
     80 NoDomainMetadata "VIR_ERR_NO_DOMAIN_METADATA" "metadata not found" "metadata not found: {}";
     81 MigrateUnsafe "VIR_ERR_MIGRATE_UNSAFE" "Unsafe migration" "Unsafe migration: {}";
     82 Overflow "VIR_ERR_OVERFLOW" "numerical overflow" "numerical overflow: {}";
     83 BlockCopyActive "VIR_ERR_BLOCK_COPY_ACTIVE" "block copy still active" "block copy still active: {}";
     84 OperationUnsupported "VIR_ERR_OPERATION_UNSUPPORTED" "Operation not supported" "Operation not supported: {}";
     85 Ssh "VIR_ERR_SSH" "SSH transport error" "SSH transport error: {}";
     86 AgentUnresponsive "VIR_ERR_AGENT_UNRESPONSIVE" "Guest agent is not responding" "Guest agent is not responding: {}";
     87 ResourceBusy "VIR_ERR_RESOURCE_BUSY" "resource busy" "resource busy: {}";
     88 AccessDenied "VIR_ERR_ACCESS_DENIED" "access denied" "access denied: {}";
     89 DbusService "VIR_ERR_DBUS_SERVICE" "error from service" "error from service: {}";
     90 StorageVolExist "VIR_ERR_STORAGE_VOL_EXIST" "this storage volume exists already" "storage volume {} exists already";
     91 CpuIncompatible "VIR_ERR_CPU_INCOMPATIBLE" "the CPU is incompatible with host CPU" "the CPU is incompatible with host CPU: {}";
     92 XmlInvalidSchema "VIR_ERR_XML_INVALID_SCHEMA" "XML document failed to validate against schema" "XML document failed to validate against schema: {}";
     93 MigrateFinishOk "VIR_ERR_MIGRATE_FINISH_OK" "migration successfully aborted" "migration successfully aborted: {}";
     94 AuthUnavailable "VIR_ERR_AUTH_UNAVAILABLE" "authentication unavailable" "authentication unavailable: {}";
     95 NoServer "VIR_ERR_NO_SERVER" "Server not found" "Server not found: {}";
     96 NoClient "VIR_ERR_NO_CLIENT" "Client not found" "Client not found: {}";
     97 AgentUnsynced "VIR_ERR_AGENT_UNSYNCED" "guest agent replied with wrong id to guest-sync command" "guest agent replied with wrong id to guest-sync command: {}";
     98 Libssh "VIR_ERR_LIBSSH" "libssh transport error" "libssh transport error: {}";
     99 DeviceMissing "VIR_ERR_DEVICE_MISSING" "device not found" "device not found: {}";
    100 InvalidNwfilterBinding "VIR_ERR_INVALID_NWFILTER_BINDING" "Invalid network filter binding" "Invalid network filter binding: {}";
    101 NoNwfilterBinding "VIR_ERR_NO_NWFILTER_BINDING" "Network filter binding not found" "Network filter binding not found: {}";
    102 InvalidDomainCheckpoint "VIR_ERR_INVALID_DOMAIN_CHECKPOINT" "Invalid domain checkpoint" "Invalid domain checkpoint: {}";
    103 NoDomainCheckpoint "VIR_ERR_NO_DOMAIN_CHECKPOINT" "Domain checkpoint not found" "Domain checkpoint not found: {}";
    104 NoDomainBackup "VIR_ERR_NO_DOMAIN_BACKUP" "Domain backup job id not found" "Domain backup job id not found: {}";
    105 InvalidNetworkPort "VIR_ERR_INVALID_NETWORK_PORT" "Invalid network port pointer" "Invalid network port pointer: {}";
    106 NetworkPortExist "VIR_ERR_NETWORK_PORT_EXIST" "this network port exists already" "network port {} exists already";
    107 NoNetworkPort "VIR_ERR_NO_NETWORK_PORT" "network port not found" "network port not found: {}";
    108 NoHostname "VIR_ERR_NO_HOSTNAME" "no hostname found" "no hostname found: {}";
    109 CheckpointInconsistent "VIR_ERR_CHECKPOINT_INCONSISTENT" "checkpoint inconsistent" "checkpoint inconsistent: {}";
    110 MultipleDomains "VIR_ERR_MULTIPLE_DOMAINS" "multiple matching domains found" "multiple matching domains found: {}";
    111 NoNetworkMetadata "VIR_ERR_NO_NETWORK_METADATA" "metadata not found" "metadata not found: {}";
}
