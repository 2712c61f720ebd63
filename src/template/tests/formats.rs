//! Values in XML, CSV and form bodies.

use proptest::prelude::*;

use super::*;

fn any_text() -> impl Strategy<Value = String> {
    prop_oneof![
        "(?s).{0,20}",
        "[\"',;|&<>\\[\\]{}\\\\=+%@\n\r\t\u{0}\u{1f}\u{85}\u{2028}\u{fffe}\u{feff} a-]{0,20}",
        "(\\]\\]>|-->|<!\\[CDATA\\[|&amp;|\"\"|\\\\u0022|%22|\\?>|</a>){0,6}",
    ]
}

fn justified(context: OutputContext, source: &str, text: &str) -> String {
    render_with(
        context,
        source,
        &only(json!({ "x": text, "list": [{ "y": text }, { "y": text }] })),
    )
}

/// What an XML document contains for a text, because XML 1.0 cannot contain every character.
fn in_xml(text: &str) -> String {
    let replaced = |c| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    text.chars().map(|c| if replaced(c) { '\u{fffd}' } else { c }).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn any_text_gives_well_formed_xml_with_that_text(text in any_text()) {
        let source = "<?xml version=\"1.0\"?><!-- <b> --><r a=\"{{x}}\" b='{{x}}'><t>{{x}}</t><c><![CDATA[{{x}}]]></c><d><![CDATA[]]{{x}}>{{x}}]]></d>{{#each list}}<i j=\"{{y}}\">{{y}}</i>{{/each}}<k>{{json list}}</k></r>";
        let rendered = justified(OutputContext::XmlBody, source, &text);
        let document = roxmltree::Document::parse(&rendered);
        let document = document.map_err(|error| TestCaseError::fail(format!("{rendered}: {error}")))?;
        let root = document.root_element();
        let find = |name| root.children().find(|node| node.has_tag_name(name)).unwrap();
        let all_text = |name| find(name).descendants().filter(roxmltree::Node::is_text).filter_map(|node| node.text()).collect::<String>();
        let expected = in_xml(&text);
        prop_assert_eq!(root.attribute("a").unwrap(), &expected);
        prop_assert_eq!(root.attribute("b").unwrap(), &expected);
        prop_assert_eq!(all_text("t"), expected.clone());
        prop_assert_eq!(all_text("c"), expected.clone());
        prop_assert_eq!(all_text("d"), format!("]]{expected}>{expected}"));
        let entry = root.children().rfind(|node| node.has_tag_name("i")).unwrap();
        prop_assert_eq!(entry.text().unwrap_or_default(), &expected);
    }

    #[test]
    fn any_text_gives_csv_that_parses_back(text in any_text()) {
        for (source, fields) in [
            ("{{x}},b,{{x}}\n\"{{x}} and {{x}}\",{{csv x}},\"\"\n", [text.clone(), "b".into(), text.clone(), format!("{text} and {text}"), text.clone(), String::new()]),
            ("{{#each list}}{{#unless @first}},{{/unless}}{{y}}{{/each}},c\r\n\"{{x}}\",{{x}},\"a\"\"{{x}}\"", [text.clone(), text.clone(), "c".into(), text.clone(), text.clone(), format!("a\"{text}")]),
        ] {
            let rendered = justified(OutputContext::CsvBody, source, &text);
            let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(rendered.as_bytes());
            let read: Vec<String> = reader.records().flat_map(|record| record.unwrap().iter().map(str::to_owned).collect::<Vec<_>>()).collect();
            prop_assert_eq!(read, fields, "{:?}", rendered);
        }
    }

    #[test]
    fn helpers_escape_in_plain_text(text in any_text()) {
        let rendered = justified(OutputContext::TextBody, "<a b=\"{{xml x}}\">{{xml x}}</a>", &text);
        let document = roxmltree::Document::parse(&rendered).unwrap();
        prop_assert_eq!(document.root_element().attribute("b").unwrap(), &in_xml(&text));
        prop_assert_eq!(document.root_element().text().unwrap_or_default(), &in_xml(&text));
        let rendered = justified(OutputContext::TextBody, "{{csv x}},{{csv x}}\n", &text);
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(rendered.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        prop_assert_eq!(record.iter().collect::<Vec<_>>(), vec![text.as_str(); 2]);
    }

    #[test]
    fn json_in_a_form_is_valid_with_that_text(text in any_text()) {
        for source in [
            r#"a={{x}}&payload={"text":"{{x}}","n":{{x}},"all":{{json list}},"deep":"{ \"t\": \"{{x}}\" }"}&b=1"#,
            "a={{x}}&payload=%7B%22text%22%3A%22{{x}}%22%2C%22n%22%3A{{x}},%22all%22:{{list}},%22deep%22:%22{%20%5C%22t%5C%22:%20%5C%22{{x}}%5C%22%20}%22}&b=1",
        ] {
            let rendered = justified(OutputContext::FormBody, source, &text);
            let pairs: Vec<(String, String)> = url::form_urlencoded::parse(rendered.as_bytes()).into_owned().collect();
            prop_assert_eq!(&pairs[0], &("a".to_owned(), text.clone()));
            prop_assert_eq!(&pairs[2], &("b".to_owned(), "1".to_owned()));
            let payload: Value = serde_json::from_str(&pairs[1].1).map_err(|error| TestCaseError::fail(format!("{}: {error}", pairs[1].1)))?;
            prop_assert_eq!(&payload["text"], &json!(text));
            prop_assert_eq!(&payload["n"], &json!(text));
            prop_assert_eq!(&payload["all"][0]["y"], &json!(text));
            let deep: Value = serde_json::from_str(payload["deep"].as_str().unwrap()).unwrap();
            prop_assert_eq!(&deep["t"], &json!(text));
        }
    }
}

#[test]
fn forms_whose_values_are_not_json_are_encoded_once() {
    let text = "a \"b\"";
    for (source, expected) in [
        ("text=He said \"{{x}}\"", "text=He said \"a+%22b%22\""),
        ("payload={{json list.[0].y}}", "payload=%22a+%5C%22b%5C%22%22"),
        ("a=b=\"{{x}}\"&c={{x}}", "a=b=\"a+%22b%22\"&c=a+%22b%22"),
    ] {
        assert_eq!(justified(OutputContext::FormBody, source, text), expected);
    }
}

#[test]
fn places_that_cannot_hold_a_value_are_rejected() {
    let message = |context, source| error(context, source);
    for (source, expected) in [
        (
            "<a {{data.id}}=\"x\"/>",
            "line 1, column 4: a placeholder cannot be the name of an XML element",
        ),
        ("<{{data.id}}/>", "line 1, column 2: a placeholder cannot be the name"),
        ("<a b={{data.id}}/>", "whole attribute"),
        ("<a><!-- {{data.id}} --></a>", "in an XML comment"),
        ("<?xml version=\"{{data.id}}\"?>", "processing instruction"),
        ("<!DOCTYPE a [<!ENTITY b \"{{data.id}}\">]>", "declaration"),
        ("<a>{{#if data.id}}<b{{else}}<c>{{/if}}", "same part of the XML"),
        ("<a {{#if data.id}}b=\"{{/if}}\"", "same part of the XML"),
    ] {
        let found = message(OutputContext::XmlBody, source);
        assert!(found.contains(expected), "{source}: {found}");
    }
    for source in
        ["{{data.id}} {{event_type}},x", "{{data.id}}x,b", "a {{data.id}}", "\"a\"{{data.id}}"]
    {
        let found = message(OutputContext::CsvBody, source);
        assert!(found.contains("in CSV, a value is a whole field"), "{source}: {found}");
    }
    let attributes = "<a {{#if x}}b=\"{{x}}\"{{else}}c='1'{{/if}} {{#unless x}}d=\"\"{{/unless}}/>";
    assert_eq!(justified(OutputContext::XmlBody, attributes, "<"), "<a b=\"&lt;\" />");
}

#[test]
fn formulas_are_written_as_they_are_unless_the_template_prevents_it() {
    assert_eq!(justified(OutputContext::CsvBody, "{{x}}", "=1+1"), "=1+1");
    for (text, expected) in [
        ("=1+1", "'=1+1,\"'=1+1\""),
        ("@a,b", "\"'@a,b\",\"'@a,b\""),
        ("+1", "'+1,\"'+1\""),
        ("-1", "'-1,\"'-1\""),
        ("\t=1", "\"'\t=1\",\"'\t=1\""),
        ("a=1", "a=1,\"a=1\""),
    ] {
        let source = "{{noformula x}},\"{{noformula x}}\"";
        assert_eq!(justified(OutputContext::CsvBody, source, text), expected);
    }
    assert_eq!(justified(OutputContext::TextBody, "{{csv (noformula x)}}", "=a,b"), "\"'=a,b\"");
}
