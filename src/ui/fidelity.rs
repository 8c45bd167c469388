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

/// The roles are written out in its tables: on a narrow page they are laid out as cards, and a browser takes
/// what is no longer laid out as a table for none.
fn area(area: &Area) -> Html {
    html! {
        <section>
            <h2>{ area.name }</h2>
            <table role="table">
                <thead role="rowgroup">
                    <tr role="row">{ for text::COLUMNS.iter().map(|name| html! { <th scope="col" role="columnheader">{ *name }</th> }) }</tr>
                </thead>
                <tbody role="rowgroup">{ for area.declarations.iter().map(row) }</tbody>
            </table>
        </section>
    }
}

fn row(declaration: &Declaration) -> Html {
    html! {
        <tr role="row">
            <th scope="row" role="rowheader">{ declaration.name }<code>{ declaration.kafka }</code></th>
            <td role="cell">{ badge(declaration.fidelity) }</td>
            <td role="cell">{ declaration.says }</td>
            <td role="cell"><ul>{ for declaration.proofs.iter().map(proof) }</ul></td>
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
            <table role="table">
                <thead role="rowgroup">
                    <tr role="row">{ for text::KEY_COLUMNS.iter().map(|name| html! { <th scope="col" role="columnheader">{ *name }</th> }) }</tr>
                </thead>
                <tbody role="rowgroup">{ for table.modelled.iter().map(key) }</tbody>
            </table>
            <h3>{ text::NOT_READ }</h3>
            <ul class="names">{ for table.absent.iter().map(|name| html! { <li><code>{ *name }</code></li> }) }</ul>
        </details>
    }
}

fn key(key: &KeyDoc) -> Html {
    html! {
        <tr role="row">
            <th scope="row" role="rowheader"><code>{ key.name }</code></th>
            <td role="cell">{ text::kind(key.kind, key.range) }</td>
            <td role="cell"><code>{ &key.default }</code></td>
            <td role="cell">{ key.doc }</td>
        </tr>
    }
}
