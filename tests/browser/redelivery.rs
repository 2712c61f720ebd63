//! The pages about redelivery.

use crate::appearance::{check_all, scene};
use crate::sample_data::{SampleData, fill};
use crate::support::TestApp;
use crate::support::logpoint::{FakeLogpoint, Options};

#[tokio::test]
async fn pages_about_redelivery() {
    let app = TestApp::start().await;
    let logpoint = FakeLogpoint::start(Options::default()).await;
    let SampleData { failed, .. } = fill(&app, &logpoint).await;
    let mut ann = app.admin().await;
    let delivery = format!("/deliveries/{failed}");
    ann.get(&delivery).await;
    ann.post(&format!("{delivery}/redeliver"), &[]).await;
    let all = "/deliveries/bulk/redeliver?state=delivered";
    ann.get(all).await;
    let batch = ann.post(all, &[]).await.location().to_owned();
    let scenes = [
        scene("delivery-redelivered", delivery),
        scene("deliveries-filtered", "/deliveries?state=delivered"),
        scene("redeliver-all", "/deliveries/bulk/redeliver?state=delivered"),
        scene("redeliver-nothing", "/deliveries/bulk/redeliver?state=held"),
        scene("redelivery-batch", batch),
    ];
    check_all(&app, &scenes).await;
    app.finish_with_leftovers().await;
}
