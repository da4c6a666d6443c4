//! A cable to a server that can be pulled out and plugged in again.

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// Forwards connections while it is plugged in. Pulling it out breaks those there are, and new ones end at once.
pub struct Cable {
    plugged_in: watch::Sender<bool>,
}

impl Cable {
    /// A cable to the server at `url`, plugged in, and the URL of its near end.
    ///
    /// # Panics
    ///
    /// When the URL names no host and port.
    pub async fn to(url: &str) -> (Self, String) {
        let mut url =
            reqwest::Url::parse(url).unwrap_or_else(|error| panic!("{url:?} is not a URL: {error}"));
        let host = url.host_str().expect("a URL with a host").to_owned();
        let far = format!("{host}:{}", url.port().expect("a URL with a port"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound socket has an address");
        url.set_port(Some(address.port())).expect("a URL with a host has a port");
        let (plugged_in, state) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                tokio::spawn(forward(near, far.clone(), state.clone()));
            }
        });
        (Self { plugged_in }, url.into())
    }

    /// Breaks every connection and lets none through.
    pub fn pull_out(&self) {
        self.plugged_in.send_replace(false);
    }

    /// Lets connections through again.
    pub fn plug_in(&self) {
        self.plugged_in.send_replace(true);
    }
}

async fn forward(mut near: TcpStream, far: String, mut plugged_in: watch::Receiver<bool>) {
    if !*plugged_in.borrow() {
        return;
    }
    let Ok(mut far) = TcpStream::connect(far).await else { return };
    tokio::select! {
        _ = copy_bidirectional(&mut near, &mut far) => {}
        _ = plugged_in.wait_for(|plugged_in| !plugged_in) => {}
    }
}
