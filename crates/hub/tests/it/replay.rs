//! The same inputs at the same times give the same bytes.

use crate::house::House;
use crate::schedules::{Plan, run};
use crosstie_hub::Hub;

#[test]
fn a_log_of_inputs_replays_to_the_same_bytes() {
    let mut inputs_in_all = 0;
    for seed in 0..20 {
        let plan = Plan::from_seed(seed);
        let settings = plan.settings();
        let mut house = House::with(settings.clone());
        house.keeps_log = true;
        run(&mut house, &plan);
        inputs_in_all += house.inputs.len();

        let mut hub = Hub::new(settings);
        let mut replayed = Vec::new();
        for (now, input) in house.inputs {
            let mut outputs = Vec::new();
            hub.handle(now, input, &mut outputs);
            replayed.extend(outputs.iter().map(|output| format!("{output:?}")));
        }
        assert!(replayed == house.outputs, "seed {seed}: the replay differs");
    }
    assert!(inputs_in_all > 2_000, "the stories are long enough: {inputs_in_all}");
}
