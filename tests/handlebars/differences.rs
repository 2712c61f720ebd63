//! Checks the table of differences in the documentation.

use super::*;

/// A cell: the output in backticks, `nothing`, or that the template is rejected.
#[derive(Debug, PartialEq, Eq)]
enum Cell {
    Output(String),
    Rejected,
}

/// The texts in backticks.
fn code(cell: &str) -> Vec<String> {
    // A pipe is escaped within a table.
    let cell = cell.replace("\\|", "|");
    cell.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What a cell says about the templates of its row.
fn expectation(cell: &str) -> Cell {
    if cell.starts_with("rejected") {
        Cell::Rejected
    } else if cell.starts_with("nothing") {
        Cell::Output(String::new())
    } else {
        Cell::Output(code(cell).into_iter().next().unwrap())
    }
}

#[test]
fn the_documented_differences_are_correct() {
    let docs = include_str!("../../docs/templates-and-filters.md");
    let (_, section) = docs.split_once("### Differences from Handlebars").unwrap();
    let (section, _) = section.split_once("\n### ").unwrap();
    let (_, data) = section.split_once("```json\n").unwrap();
    let mut data: Value = serde_json::from_str(data.split_once("\n```").unwrap().0).unwrap();
    // Events are read so that this spelling is kept.
    data["large"] = Value::Number(serde_json::Number::from_string_unchecked("1E22".to_owned()));
    let mut rows = Vec::new();
    for line in section.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        let [templates, there, here] = cells.as_slice() else { panic!("{line}") };
        for source in code(templates) {
            rows.push((source, expectation(there), expectation(here)));
        }
    }
    assert!(rows.len() > 20, "{rows:?}");
    let cases: Vec<_> =
        rows.iter().map(|(source, ..)| Case { source, data: &data, as_json: false }).collect();
    let outcomes = render_js(&cases);
    for (index, (source, there, here)) in rows.iter().enumerate() {
        assert_ne!(there, here, "{source}: this is no difference");
        let found = render_here(source, &data).map_or(Cell::Rejected, Cell::Output);
        assert_eq!(found, *here, "{source} here");
        if let Some(outcomes) = &outcomes {
            let found = match &outcomes[index] {
                Outcome::Output(output) => Cell::Output(output.clone()),
                Outcome::Error(_) => Cell::Rejected,
            };
            assert_eq!(found, *there, "{source} with handlebars.js");
        }
    }
}
