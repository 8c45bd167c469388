//! What a learner does with the page, by the names of its controls.

use brokerscope::cluster::Action;
use brokerscope::kafka::consumer::ServiceTime;
use brokerscope::kafka::producer::Rate;
use thirtyfour::error::WebDriverResult;
use thirtyfour::{Key, TypingData};

use crate::page::Page;

/// Stops of the keyboard after which it has been everywhere.
const MOST_STOPS: usize = 70;

/// How fast time passes on the scale of the page.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Pace {
    /// A hundred times: for what is only to be waited out.
    Fastest,
    /// Ten times: for what is to be looked at on the way.
    Brisk,
}

impl Page {
    /// Moves the slider of speed, by keys.
    pub(crate) async fn pace(&self, pace: Pace) -> WebDriverResult<()> {
        let slower = match pace {
            Pace::Fastest => 0,
            Pace::Brisk => 10,
        };
        let keys = (0..slower).fold(TypingData::from(Key::End), |keys, _| keys + Key::Left);
        self.role("slider", Some("Speed…")).await?.send_keys(keys).await
    }

    /// Lets time run on if it has stopped at a moment worth a look.
    pub(crate) async fn play_on(&self) -> WebDriverResult<()> {
        if self.has_role("button", "Play").await? {
            self.click("button", "Play").await?;
        }
        Ok(())
    }

    /// The simulated time that the page shows, in milliseconds.
    pub(crate) async fn simulated_ms(&self) -> WebDriverResult<u64> {
        let shown = self.role("timer", None).await?.text().await?;
        let mut ms = 0;
        for part in shown.split([':', '.']) {
            let number: u64 = part.parse().expect("the clock shows numbers");
            ms = if part.len() == 3 { ms * 1_000 } else { ms * 60 } + number;
        }
        Ok(ms)
    }

    /// Waits until the simulated time is `ms`; plays on where time stops.
    pub(crate) async fn let_pass(&self, ms: u64) -> WebDriverResult<()> {
        self.wait_for(&format!("simulated {ms} ms"), async || {
            if self.simulated_ms().await? >= ms {
                return Ok(Some(()));
            }
            self.play_on().await?;
            Ok(None)
        })
        .await
    }

    /// Waits until the lesson says all of this, in this order; plays on where time stops.
    pub(crate) async fn reads(&self, pieces: &[String]) -> WebDriverResult<()> {
        let wanted = format!("lesson that says {pieces:#?}");
        self.wait_for(&wanted, async || {
            let text = self.role("article", None).await?.text().await.unwrap_or_default();
            if in_order(&text, pieces) {
                return Ok(Some(()));
            }
            self.play_on().await?;
            Ok(None)
        })
        .await
    }

    /// Presses Tab until the focus is on what has this role and beginning of a name; what it passed.
    pub(crate) async fn tab_to(&self, role: &str, name: &str) -> WebDriverResult<Vec<String>> {
        let wanted = format!("{role} \"{name}");
        let mut passed = Vec::new();
        for _ in 0..MOST_STOPS {
            self.press(Key::Tab).await?;
            let focused = self.focused().await?;
            if focused.starts_with(&wanted) {
                return Ok(passed);
            }
            passed.push(focused);
        }
        panic!("the keyboard does not come to {wanted}: {passed:#?}");
    }

    /// Puts a number into the field with this name.
    pub(crate) async fn put(&self, field: &str, text: &str) -> WebDriverResult<()> {
        let all = Key::Control + "a";
        let input = self.role("textbox", Some(&format!("{field}…"))).await?;
        input.send_keys(all).await?;
        input.send_keys(TypingData::from(text) + Key::Enter).await
    }

    /// What stands in the field with this name.
    pub(crate) async fn value(&self, field: &str) -> WebDriverResult<String> {
        let input = self.role("textbox", Some(&format!("{field}…"))).await?;
        Ok(input.prop("value").await?.unwrap_or_default())
    }

    /// Chooses the option of the list with this name that begins so.
    pub(crate) async fn choose(&self, list: &str, option: &str) -> WebDriverResult<()> {
        // A list takes the letters that are typed as the beginning of an option.
        self.role("combobox", Some(&format!("{list}…"))).await?.send_keys(option).await
    }

    /// Clicks something on the stage and what can be done to it, then closes the panel again.
    pub(crate) async fn act_on(&self, thing: &str, act: &str) -> WebDriverResult<()> {
        self.click("button", &format!("{thing}…")).await?;
        self.click("button", act).await?;
        self.press(Key::Escape).await
    }

    /// Does by hand, with the controls of the page, what a lesson's file asks of the cluster.
    pub(crate) async fn by_hand(&self, action: &Action) -> WebDriverResult<()> {
        match action {
            Action::AddPartitions { partitions, .. } => {
                self.put("Partitions", &partitions.to_string()).await
            }
            Action::SetReplicationFactor { replication_factor, .. } => {
                self.put("Copies of each", &replication_factor.to_string()).await
            }
            Action::SetTopicConfig { key, value: Some(value), .. }
                if key == "min.insync.replicas" =>
            {
                self.put("Copies that must be in sync", &value.0).await
            }
            Action::SetProducerConfig { key, value: Some(value), .. } if key == "acks" => {
                self.choose("Sent means", &value.0).await
            }
            Action::AddConsumer(def) => {
                let now: u32 = self.value("Workers").await?.parse().expect("a number");
                self.put("Workers", &(now + def.count).to_string()).await
            }
            Action::SetService { service: ServiceTime::Fixed { micros }, .. } => {
                self.set_service(*micros).await
            }
            Action::SetRate { name, rate: Rate::Off } => {
                self.act_on(&format!("Producer {name}:"), "Stop it").await
            }
            Action::RemoveConsumer { name } => {
                self.act_on(&format!("Consumer {name}:"), "Stop in order").await
            }
            Action::SetGroup { name, group: Some(group) } => {
                self.click("button", &format!("Consumer {name}:…")).await?;
                self.put("Group", group).await?;
                self.press(Key::Escape).await
            }
            Action::CrashBroker { broker, lose_disk } => {
                let act = if *lose_disk { "Kill it, lose its disk" } else { "Kill it" };
                self.act_on(&format!("Broker {broker}:"), act).await
            }
            other => panic!("the page has no control for {other:?}"),
        }
    }

    async fn set_service(&self, micros: u64) -> WebDriverResult<()> {
        let slider = self.role("slider", Some("One record takes…")).await?;
        slider.send_keys(Key::Home).await?;
        let wanted = brokerscope::view::words::micros(micros);
        self.wait_for(&format!("{wanted} on the slider"), async || {
            let slider = self.role("slider", Some("One record takes…")).await?;
            let now = slider.attr("aria-valuetext").await?.unwrap_or_default();
            if now.starts_with(&wanted) {
                return Ok(Some(()));
            }
            slider.send_keys(Key::Right).await?;
            Ok(None)
        })
        .await
    }
}

/// Whether `text` holds all `pieces`, one after the other.
fn in_order(text: &str, pieces: &[String]) -> bool {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let mut rest = text.as_str();
    pieces.iter().all(|piece| match rest.find(piece.as_str()) {
        Some(at) => {
            rest = &rest[at + piece.len()..];
            true
        }
        None => false,
    })
}

#[test]
fn a_text_is_known_by_its_pieces_in_order() {
    let pieces = ["In your run".to_owned(), "a second".to_owned()];
    assert!(in_order("In your\nrun 12 a second", &pieces));
    assert!(!in_order("12 a second. In your run", &pieces));
}
