//! Showing a server who the user is.

use virt_proto::remote::{self, AuthType};
use virt_proto::{Procedure, xdr};
use virt_types::{Error, ErrorCode, ErrorDomain, Result};

use super::{Request, RpcClient};
use crate::auth::Credentials;

impl RpcClient {
    /// Calls a procedure of the table, encoding its arguments and decoding its reply.
    ///
    /// # Errors
    /// The server's, why the connection is over, or what cannot be encoded or decoded.
    pub async fn invoke<P: Procedure>(&self, args: &P::Args) -> Result<P::Reply> {
        let row = P::ROW;
        let request = Request {
            program: row.program.number,
            version: row.program.version,
            procedure: row.number,
            payload: xdr::encode(args)?,
            fds: Vec::new(),
        };
        Ok(xdr::decode(&self.call(request).await?.payload)?)
    }

    /// Does what the server asks for before anything else: nothing, polkit (which looks at this process by itself), or
    /// SASL with a user's password. `private` says that nobody can listen: a Unix socket, TLS or ssh. Answers the
    /// method.
    ///
    /// # Errors
    /// The server's; `VIR_ERR_AUTH_UNAVAILABLE` if polkit wants to ask somebody and no agent is there: start one,
    /// and try again. `VIR_ERR_AUTH_FAILED` if the server wants a password and there is none, or what it offers
    /// cannot be used.
    pub async fn authenticate(&self, credentials: Option<&Credentials>, private: bool) -> Result<AuthType> {
        let offered = self.invoke::<remote::AuthList>(&()).await?.types;
        let method = offered.first().copied().unwrap_or(AuthType::None);
        match method {
            AuthType::None => {}
            AuthType::Polkit => {
                self.invoke::<remote::AuthPolkit>(&()).await?;
            }
            AuthType::Sasl => {
                let credentials = credentials.ok_or_else(|| failed("Failed to collect auth credentials"))?;
                self.sasl(credentials, private).await?;
            }
            other => return Err(failed(format!("unsupported authentication type {}", other.number()))),
        }
        Ok(method)
    }

    #[cfg(not(feature = "sasl"))]
    async fn sasl(&self, _: &Credentials, _: bool) -> Result<()> {
        Err(failed("this build has no SASL"))
    }

    #[cfg(feature = "sasl")]
    async fn sasl(&self, credentials: &Credentials, private: bool) -> Result<()> {
        use crate::auth::ClientExchange;
        use virt_proto::xdr::Chars;

        let offered = self.invoke::<remote::AuthSaslInit>(&()).await?.mechlist;
        let mut exchange = ClientExchange::choose(&offered, private, credentials)
            .ok_or_else(|| failed(format!("SASL mechanism {offered} not supported")))?;
        let broken = |error| failed("Failed to step SASL negotiation").caused_by(error);
        let first = exchange.step(None).map_err(broken)?;
        let mut args = remote::AuthSaslStartArgs {
            mech: exchange.mechanism().name().to_owned(),
            nil: i32::from(first.is_none()),
            data: Chars(first.unwrap_or_default()),
        };
        let reply = self.invoke::<remote::AuthSaslStart>(&args).await?;
        let (mut complete, mut nil, mut data) = (reply.complete != 0, reply.nil, reply.data);
        loop {
            // The server's last bytes are checked even if it is content.
            let answer = if exchange.is_complete() {
                None
            } else {
                exchange.step((nil == 0).then_some(&data.0[..])).map_err(broken)?
            };
            if complete {
                break;
            }
            args = remote::AuthSaslStartArgs {
                nil: i32::from(answer.is_none()),
                data: Chars(answer.unwrap_or_default()),
                ..args
            };
            let step = remote::AuthSaslStepArgs { nil: args.nil, data: args.data.clone() };
            let reply = self.invoke::<remote::AuthSaslStep>(&step).await?;
            (complete, nil, data) = (reply.complete != 0, reply.nil, reply.data);
        }
        if exchange.is_complete() {
            Ok(())
        } else {
            Err(failed("the server does not show that it knows the password"))
        }
    }
}

fn failed(text: impl Into<String>) -> Error {
    Error::new(ErrorCode::AuthFailed, ErrorDomain::Remote, text)
}
