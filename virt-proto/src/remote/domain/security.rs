// tidy: table
//! Security labels and encrypted guests.

use virt_types::TypedParams;

use crate::remote::{
    DOMAIN_LAUNCH_SECURITY_INFO_PARAMS_MAX, DOMAIN_LAUNCH_SECURITY_STATE_PARAMS_MAX, Domain, PROGRAM,
    SECURITY_LABEL_LIST_MAX, SECURITY_LABEL_MAX,
};
use crate::table::procedures;
use crate::xdr::Chars;

procedures! { PROGRAM:
    /// The security label of a running domain's process.
    121 DomainGetSecurityLabel "virDomainGetSecurityLabel" {
        args DomainGetSecurityLabelArgs { dom: Domain }
        reply DomainGetSecurityLabelRet { label: Chars[SECURITY_LABEL_MAX], enforcing: i32 }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// The security labels of a running domain's process, one for each model.
    278 DomainGetSecurityLabelList "virDomainGetSecurityLabelList" {
        args DomainGetSecurityLabelListArgs { dom: Domain }
        reply DomainGetSecurityLabelListRet {
            labels: Vec<DomainGetSecurityLabelRet>[SECURITY_LABEL_LIST_MAX], ret: i32,
        }
        priority High
        access [Domain.read]
        since "<=1.2.7"
    }

    /// How the encrypted guest was measured.
    396 DomainGetLaunchSecurityInfo "virDomainGetLaunchSecurityInfo" {
        args DomainGetLaunchSecurityInfoArgs { dom: Domain, flags: u32 }
        reply DomainGetLaunchSecurityInfoRet { params: TypedParams[DOMAIN_LAUNCH_SECURITY_INFO_PARAMS_MAX] }
        access [Domain.read]
        since "4.5.0"
    }

    /// Gives the encrypted guest its secret before it runs.
    439 DomainSetLaunchSecurityState "virDomainSetLaunchSecurityState" {
        args DomainSetLaunchSecurityStateArgs {
            dom: Domain, params: TypedParams[DOMAIN_LAUNCH_SECURITY_STATE_PARAMS_MAX], flags: u32,
        }
        access [Domain.write]
        since "9.0.0"
    }
}
