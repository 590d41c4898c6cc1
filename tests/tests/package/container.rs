//! The container file, built on the clean Debian in place of a downloaded one, and its programs run
//! in the image as its user. buildah gives them the image's folder as their root and a network of
//! their own: a container's other walls need cgroups and limits that few machines of tests hand
//! out, and nothing of the image depends on them.

use crate::root::{base, ran};
use anyhow::{Context as _, Result, ensure};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

/// The service as the image says, its health as the image says, and an end by its signal.
const SERVE: &str = "\"$@\" >/etc/muster/ready & service=$!
    for i in $(seq 200); do grep -q ^ready /etc/muster/ready && break; sleep 0.1; done
    sh -c \"$HEALTH\" || exit 3
    kill -TERM $service && wait $service";

struct Images {
    store: TempDir,
}

impl Images {
    fn buildah(&self, args: &[&str]) -> Result<String> {
        let mut command = Command::new("unshare");
        // A network without a way out, in which the ports are free.
        command.args(["--net", "--", "sh", "-c", "ip link set lo up && exec buildah \"$@\"", "-"]);
        let at = |name: &str| self.store.path().join(name);
        command.arg("--root").arg(at("root")).arg("--runroot").arg(at("run")).args(args);
        command.env("STORAGE_DRIVER", "vfs").env("BUILDAH_ISOLATION", "chroot");
        Ok(String::from_utf8(ran(&mut command)?.stdout)?.trim().to_owned())
    }

    /// A container of `image`, and what the folder of its configuration is outside.
    fn run(&self, image: &str, etc: &Path, program: &[&str]) -> Result<String> {
        let container = self.buildah(&["from", "--pull-never", image])?;
        let volume = format!("{}:/etc/muster", etc.display());
        let run = [&["run", "--volume", &volume, &container, "--"], program].concat();
        let said = self.buildah(&run)?;
        self.buildah(&["rm", &container])?;
        Ok(said)
    }
}

#[test]
fn the_container_file_makes_an_image_that_serves_as_its_own_user() -> Result<()> {
    let images = Images { store: TempDir::new()? };
    let package: PathBuf = crate::package()?;
    let context = TempDir::new()?;
    std::fs::copy(&package, context.path().join("muster_0_amd64.deb"))?;
    let from_nothing = images.buildah(&["from", "scratch"])?;
    let base = base()?;
    images.buildah(&["add", "--quiet", &from_nothing, text(&base)?, "/"])?;
    images.buildah(&["commit", "--quiet", "--rm", &from_nothing, "localhost/base"])?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/container/Containerfile");
    images.buildah(&[
        "build",
        "--quiet",
        "--pull-never",
        "--format",
        "docker",
        "--build-arg",
        "BASE=localhost/base",
        "--tag",
        "localhost/muster",
        "--file",
        text(&file)?,
        text(context.path())?,
    ])?;
    let made: Value = serde_json::from_str(&images.buildah(&[
        "inspect",
        "--type",
        "image",
        "localhost/muster",
    ])?)?;
    let config = &made["Docker"]["config"];
    ensure!(config["User"] == "muster", "{config}");
    for volume in ["/etc/muster", "/var/lib/muster"] {
        ensure!(config["Volumes"][volume].is_object(), "{volume}: {config}");
    }
    serves(&images, config)
}

/// Set up in one container, served in another, on the same volume.
fn serves(images: &Images, config: &Value) -> Result<()> {
    let etc = TempDir::new()?;
    let nobody = TempDir::new()?;
    let ids = images.run("localhost/muster", nobody.path(), &["id", "-u"])?;
    ensure!(ids != "0", "it runs as root");
    std::os::unix::fs::chown(etc.path(), Some(ids.parse()?), None)?;
    let init = ["muster", "init", "--yes", "--dir", "/etc/muster", "--site", "mo-hq"];
    images.run("localhost/muster", etc.path(), &[&init[..], &["--jurisdiction", "MO"]].concat())?;
    let words = |key: &str| -> Result<Vec<String>> {
        let words = config[key].as_array().with_context(|| format!("no {key}: {config}"))?;
        Ok(words.iter().filter_map(|word| Some(word.as_str()?.to_owned())).collect())
    };
    let health = config["Healthcheck"]["Test"].as_array().context("no health check")?;
    ensure!(health.first().is_some_and(|how| how == "CMD"), "{config}");
    let quoted = |word: &Value| format!("'{}'", word.as_str().unwrap_or("").replace('\'', r"'\''"));
    let health: Vec<_> = health.iter().skip(1).map(quoted).collect();
    let health = format!("HEALTH={}", health.join(" "));
    let service = [words("Entrypoint")?, words("Cmd")?].concat();
    let mut program = vec!["env", &health, "sh", "-c", SERVE, "-"];
    program.extend(service.iter().map(String::as_str));
    images.run("localhost/muster", etc.path(), &program)?;
    // Without a service the check says so.
    let mut alone = vec!["env", &health, "sh", "-c"];
    alone.push("! sh -c \"$HEALTH\"");
    images.run("localhost/muster", etc.path(), &alone)?;
    Ok(())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().context("a path is not text")
}
