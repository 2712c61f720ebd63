//! Random sequences of codes, compared with a model: a code is accepted once, within one step of its time, and not after a
//! later one.

use std::collections::BTreeSet;
use std::time::Duration;

use chrono::TimeDelta;
use rand::prelude::*;

use super::{enter_code, enter_password, start};

const STEP_SECONDS: i64 = 30;
const ATTEMPTS: usize = 40;

#[tokio::test]
async fn codes_are_accepted_as_by_the_model() {
    let (app, _session, device) = start().await;
    let mut random = rand::rng();
    let clock = app.clock.sources();
    let mut last_step = clock.now().timestamp() / STEP_SECONDS;
    let mut used = BTreeSet::new();
    let mut offsets = Vec::new();
    for _ in 0..ATTEMPTS {
        app.clock.advance(Duration::from_secs(random.random_range(0..40)));
        // At the start of a step, none ends before the code has arrived.
        device.next_code(&app);
        let mut ann = enter_password(&app).await;
        let is_recovery = random.random_bool(0.2);
        let (code, expected) = if is_recovery {
            let code = device.recovery_codes.choose(&mut random).unwrap();
            (code.clone(), used.insert(code.clone()))
        } else {
            let offset = random.random_range(-2_i64..=2);
            let time = clock.now() + TimeDelta::seconds(STEP_SECONDS * offset);
            let step = time.timestamp() / STEP_SECONDS;
            let is_accepted = offset.abs() <= 1 && step > last_step;
            if is_accepted {
                last_step = step;
            }
            offsets.push(offset);
            (device.code_at(time), is_accepted)
        };
        assert_eq!(
            enter_code(&mut ann, &code).await.status == 303,
            expected,
            "{code}: {offsets:?}"
        );
        if !expected {
            // Wrong codes in a row would be delayed.
            device.next_code(&app);
            let code = device.next_code(&app);
            assert_eq!(enter_code(&mut ann, &code).await.status, 303, "{code}: {offsets:?}");
            last_step = clock.now().timestamp() / STEP_SECONDS;
        }
    }
    app.finish().await;
}
