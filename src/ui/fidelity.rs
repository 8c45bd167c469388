//! "How true?": what of Kafka is modelled, simplified or absent, as the code itself declares it.

use yew::{Html, classes, component, html};

use crate::kafka::config::{KeyDoc, Table, tables};
use crate::kafka::fidelity::{AREAS, Area, Declaration, Fidelity, Proof};
use crate::ui::icon::{Glyph, Icon};
use crate::ui::text::fidelity as text;

/// The whole document.
#[component]
pub fn FidelityDocument() -> Html {
    html! {
        <article class="fidelity">
            <h1>{ text::TITLE }</h1>
            <p class="lead">{ text::LEAD }</p>
            <dl class="legend-list">
                { for [Fidelity::Modelled, Fidelity::Simplified, Fidelity::Absent].into_iter().map(legend) }
            </dl>
            { for AREAS.iter().map(area) }
            <section>
                <h2>{ text::SETTINGS }</h2>
                <p>{ text::SETTINGS_LEAD }</p>
                { for tables().iter().map(settings) }
            </section>
        </article>
    }
}

fn legend(fidelity: Fidelity) -> Html {
    let count = AREAS.iter().flat_map(|area| area.declarations);
    let count = count.filter(|declaration| declaration.fidelity == fidelity).count();
    html! {
        <div>
            <dt>{ badge(fidelity) }<strong>{ count }</strong></dt>
            <dd>{ text::means(fidelity) }</dd>
        </div>
    }
}

fn badge(fidelity: Fidelity) -> Html {
    let (glyph, class) = match fidelity {
        Fidelity::Modelled => (Glyph::CircleCheck, "is-modelled"),
        Fidelity::Simplified => (Glyph::Contrast, "is-simplified"),
        Fidelity::Absent => (Glyph::X, "is-absent"),
    };
    html! {
        <span class={classes!("badge", class)}><Icon of={glyph} size={14} />{ text::word(fidelity) }</span>
    }
}

fn area(area: &Area) -> Html {
    html! {
        <section>
            <h2>{ area.name }</h2>
            <table>
                <thead>
                    <tr>{ for text::COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr>
                </thead>
                <tbody>{ for area.declarations.iter().map(row) }</tbody>
            </table>
        </section>
    }
}

fn row(declaration: &Declaration) -> Html {
    html! {
        <tr>
            <th scope="row">{ declaration.name }<code>{ declaration.kafka }</code></th>
            <td>{ badge(declaration.fidelity) }</td>
            <td>{ declaration.says }</td>
            <td><ul>{ for declaration.proofs.iter().map(proof) }</ul></td>
        </tr>
    }
}

/// Vectors and runs lie beside the page; a test is told by its name, which is a sentence.
fn proof(proof: &Proof) -> Html {
    let said = match proof {
        Proof::Vectors(name) => {
            let href = format!("proof/vectors/{name}.jsonl");
            html! { <a {href}>{ text::vectors(name) }</a> }
        }
        Proof::Live(name) => {
            html! { <a href={format!("proof/live/{name}")}>{ text::live(name) }</a> }
        }
        Proof::Test(name) => html! { { text::test(name) } },
    };
    html! { <li>{ said }</li> }
}

fn settings(table: &Table) -> Html {
    html! {
        <details>
            <summary>{ text::settings(table.name, table.modelled.len(), table.absent.len()) }</summary>
            <table>
                <thead>
                    <tr>{ for text::KEY_COLUMNS.iter().map(|name| html! { <th scope="col">{ *name }</th> }) }</tr>
                </thead>
                <tbody>{ for table.modelled.iter().map(key) }</tbody>
            </table>
            <h3>{ text::NOT_READ }</h3>
            <ul class="names">{ for table.absent.iter().map(|name| html! { <li><code>{ *name }</code></li> }) }</ul>
        </details>
    }
}

fn key(key: &KeyDoc) -> Html {
    html! {
        <tr>
            <th scope="row"><code>{ key.name }</code></th>
            <td>{ text::kind(key.kind, key.range) }</td>
            <td><code>{ &key.default }</code></td>
            <td>{ key.doc }</td>
        </tr>
    }
}
