//! The pictures of the handbook's quick start: taken here, on the way that it describes, and compared
//! with those that are checked in. Each must look more like its own page than like any other.
//!
//! With `MUSTER_TAKE_PICTURES` set they are written anew: after the page was changed on purpose.

use crate::driver::{Driver, Page, Screen};
use crate::stage::Stage;
use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::fs;
use std::path::{Path, PathBuf};

/// The steps of the quick start, in their order.
const STEPS: [&str; 4] = ["login", "welcome", "today", "terminals"];
/// Bytes of a picture in the handbook.
const MAX_BYTES: usize = 60 * 1024;
/// How far brightness may differ on average, of 255, over fields of 1/32 of the picture.
const UNLIKE: f64 = 25.0;
/// Gives the mean difference of two pictures.
const COMPARE: &str = "const [a, b, done] = arguments;
    const load = (data) => new Promise((good, bad) => {
        const image = new Image();
        image.onload = () => good(image);
        image.onerror = () => bad('no picture');
        image.src = 'data:image/webp;base64,' + data;
    });
    const fields = async (data) => {
        const canvas = document.createElement('canvas');
        canvas.width = canvas.height = 32;
        const context = canvas.getContext('2d');
        context.imageSmoothingQuality = 'high';
        context.drawImage(await load(data), 0, 0, 32, 32);
        return context.getImageData(0, 0, 32, 32).data;
    };
    Promise.all([fields(a), fields(b)]).then(([x, y]) => {
        let sum = 0;
        for (let i = 0; i < x.length; i += 4)
            for (let c = 0; c < 3; c++) sum += Math.abs(x[i + c] - y[i + c]);
        done(sum / (x.length / 4 * 3));
    }, (error) => done(String(error)));";

fn kept(step: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/handbook/src/pictures");
    folder.join(format!("{step}.webp"))
}

/// What each step shows now.
async fn taken(stage: &Stage, page: &Page) -> Result<Vec<String>> {
    let code = stage.account("ho.mei", &["hr", "facilities"])?;
    let mut pictures = Vec::new();
    page.go(&format!("{}/login", stage.page()?)).await?;
    page.see("#password").await?;
    pictures.push(page.small_picture().await?);
    page.fill("#name", "ho.mei").await?;
    page.fill("#password", &code).await?;
    page.click("main .primary").await?;
    page.see("#again").await?;
    pictures.push(page.small_picture().await?);
    stage.choose_password(page).await?;
    page.go(&format!("{}/today", stage.page()?)).await?;
    page.see("#rows a").await?;
    pictures.push(page.small_picture().await?);
    page.go(&format!("{}/terminals", stage.page()?)).await?;
    page.see("th[scope=row]").await?;
    pictures.push(page.small_picture().await?);
    Ok(pictures)
}

async fn difference(page: &Page, a: &str, b: &str) -> Result<f64> {
    let found = page.client.execute_async(COMPARE, vec![json!(a), json!(b)]).await?;
    found.as_f64().with_context(|| format!("pictures cannot be compared: {found}"))
}

#[test]
fn the_quick_start_shows_the_pages_that_there_are() -> Result<()> {
    let stage = Stage::build()?;
    stage.punch(1)?;
    let driver = Driver::start()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let page = driver.browser(Screen::Desktop, "en").await?;
        let now = taken(&stage, &page).await?;
        if std::env::var_os("MUSTER_TAKE_PICTURES").is_some() {
            for (step, picture) in STEPS.iter().zip(&now) {
                fs::write(kept(step), STANDARD.decode(picture)?)?;
            }
        }
        // The page's own rules would not let it draw.
        page.go("data:text/html,<title>x</title>").await?;
        let text = fs::read_to_string(kept("x").with_file_name("../quick-start.md"))?;
        for (step, picture) in STEPS.iter().zip(&now) {
            ensure!(text.contains(&format!("(pictures/{step}.webp)")), "{step} is not shown");
            let bytes = fs::read(kept(step)).with_context(|| format!("no picture of {step}"))?;
            ensure!(bytes.len() <= MAX_BYTES, "{step} has {} bytes", bytes.len());
            let checked_in = STANDARD.encode(bytes);
            let own = difference(&page, &checked_in, picture).await?;
            ensure!(own < UNLIKE, "{step} looks otherwise by now ({own:.1}): take it anew");
            for (other, picture) in STEPS.iter().zip(&now).filter(|(other, _)| *other != step) {
                let far = difference(&page, &checked_in, picture).await?;
                ensure!(own < far, "{step} looks like {other}: {own:.1}, {far:.1}");
            }
        }
        Ok(page.client.close().await?)
    })
}
