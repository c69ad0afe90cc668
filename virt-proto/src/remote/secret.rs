// tidy: table
//! Secrets.

use virt_types::Uuid;

use crate::remote::{PROGRAM, SECRET_LIST_MAX, SECRET_VALUE_MAX, Secret};
use crate::table::procedures;

procedures! { PROGRAM:
    /// How many secrets there are.
    139 ConnectNumOfSecrets "virConnectNumOfSecrets" {
        reply ConnectNumOfSecretsRet { num: i32 }
        priority High
        access [Connect.search_secrets]
        filter Secret.getattr
        since "<=1.2.7"
    }

    /// UUIDs of the secrets.
    140 ConnectListSecrets "virConnectListSecrets" {
        args ConnectListSecretsArgs { maxuuids: i32 }
        reply ConnectListSecretsRet { uuids: Vec<String>[SECRET_LIST_MAX] }
        priority High
        access [Connect.search_secrets]
        filter Secret.getattr
        since "<=1.2.7"
    }

    /// Finds a secret by its UUID.
    141 SecretLookupByUuid "virSecretLookupByUUID" {
        args SecretLookupByUuidArgs { uuid: Uuid }
        reply SecretLookupByUuidRet { secret: Secret }
        priority High
        access [Secret.getattr]
        since "<=1.2.7"
    }

    /// Defines a secret, or changes its definition.
    142 SecretDefineXml "virSecretDefineXML" {
        args SecretDefineXmlArgs { xml: String, flags: u32 }
        reply SecretDefineXmlRet { secret: Secret }
        priority High
        access [Secret.write, Secret.save]
        since "<=1.2.7"
    }

    /// The secret's document, without its value.
    143 SecretGetXmlDesc "virSecretGetXMLDesc" {
        args SecretGetXmlDescArgs { secret: Secret, flags: u32 }
        reply SecretGetXmlDescRet { xml: String }
        priority High
        access [Secret.read]
        since "<=1.2.7"
    }

    /// Sets the secret's value.
    144 SecretSetValue "virSecretSetValue" {
        args SecretSetValueArgs { secret: Secret, value: Vec<u8>[SECRET_VALUE_MAX], flags: u32 }
        priority High
        access [Secret.write]
        since "<=1.2.7"
    }

    /// The secret's value.
    145 SecretGetValue "virSecretGetValue" {
        args SecretGetValueArgs { secret: Secret, flags: u32 }
        reply SecretGetValueRet { value: Vec<u8>[SECRET_VALUE_MAX] }
        priority High
        access [Secret.read_secure]
        since "<=1.2.7"
    }

    /// Removes a secret and its value.
    146 SecretUndefine "virSecretUndefine" {
        args SecretUndefineArgs { secret: Secret }
        priority High
        access [Secret.delete]
        since "<=1.2.7"
    }

    /// Finds a secret by what it is for.
    147 SecretLookupByUsage "virSecretLookupByUsage" {
        args SecretLookupByUsageArgs { usage_type: i32, usage_id: String }
        reply SecretLookupByUsageRet { secret: Secret }
        priority High
        access [Secret.getattr]
        since "<=1.2.7"
    }

    /// The secrets that the flags select, or how many there are.
    287 ConnectListAllSecrets "virConnectListAllSecrets" {
        args ConnectListAllSecretsArgs { need_results: i32, flags: u32 }
        reply ConnectListAllSecretsRet { secrets: Vec<Secret>[SECRET_LIST_MAX], ret: u32 }
        priority High
        access [Connect.search_secrets]
        filter Secret.getattr
        since "<=1.2.7"
    }
}
