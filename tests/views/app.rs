//! The page's frame.

use brokerscope::ui::App;
use expect_test::expect;

use crate::render;

#[test]
fn the_page_has_one_main_part_and_one_first_heading() {
    let html = render::html::<App>(());
    expect![[r#"
        <main>
        <h1>Brokerscope</h1>
        <p>A whole Kafka cluster, simulated in this page.</p>
        </main>
    "#]]
    .assert_eq(&html);
    assert_eq!(html.matches("<main").count(), 1);
    assert_eq!(html.matches("<h1").count(), 1);
}
