//! DEVELOPMENT FIXTURE, replaced by the session: a picture that moves by itself.

use std::rc::Rc;

use crate::base::{NodeId, Time, TopicId, TopicPartition};
use crate::view::scene::{Hue, Message, MessageKind, Motion, SampleSize, Work};
use crate::view::{PlaybackView, Scene};

#[derive(Debug)]
pub(super) struct Host {
    now: u64,
    playing: bool,
    notch: u8,
    size: SampleSize,
}

impl Host {
    pub(super) fn new() -> Self {
        let hash = web_sys::window().and_then(|w| w.location().search().ok()).unwrap_or_default();
        let size = if hash.contains("large") {
            SampleSize { producers: 8, brokers: 9, partitions: 48, replicas: 3, members: 50 }
        } else if hash.contains("mid") {
            SampleSize { producers: 4, brokers: 3, partitions: 6, replicas: 3, members: 6 }
        } else {
            SampleSize { producers: 3, brokers: 3, partitions: 1, replicas: 2, members: 5 }
        };
        Self { now: 41_300_000, playing: !hash.contains("paused"), notch: 22, size }
    }
    fn speed(&self) -> f64 {
        libm::pow(10.0, f64::from(self.notch) / 10.0 - 3.0)
    }
    pub(super) fn advance(&mut self, real_ms: f64) -> bool {
        if self.playing {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "fixture")]
            let step = (real_ms * 1e3 * self.speed()) as u64;
            self.now += step;
        }
        self.playing
    }
    pub(super) fn playback(&self) -> PlaybackView {
        let speed = self.speed();
        PlaybackView {
            playing: self.playing,
            notch: self.notch,
            speed,
            label: crate::view::words::speed(speed).into(),
            behind: false,
            stopped: None,
        }
    }
    pub(super) fn set_playing(&mut self, playing: bool) {
        self.playing = playing;
    }
    pub(super) fn set_notch(&mut self, notch: u8) {
        self.notch = notch.min(50);
    }
    pub(super) fn scene(&self, _before: Option<&Scene>) -> Scene {
        let mut scene = Scene::sample_of(self.size);
        scene.clock.now = Time(self.now);
        scene
    }
    pub(super) fn motion(&self) -> Motion {
        let now = self.now;
        let mut messages = Vec::new();
        let tp = Some(TopicPartition::new(TopicId(1), 0));
        let mut push = |from: i32, to: i32, kind, records, phase: u64, every: u64| {
            let age = (now + phase) % every;
            if age < 40_000 {
                messages.push(Message {
                    from: NodeId(from),
                    to: NodeId(to),
                    kind,
                    records,
                    partition: tp,
                    hue: Hue::of(0),
                    sent_at: Time(now - age),
                    arrives_at: Time(now - age + 40_000),
                });
            }
        };
        for p in 0..3_u64 {
            let id = 1000 + i32::try_from(p).unwrap_or(0);
            push(
                id,
                1,
                MessageKind::Produce,
                1 + u32::try_from(p * p * 4).unwrap_or(1),
                p * 17_000,
                50_000,
            );
            push(id, 1, MessageKind::Produce, 1, p * 17_000 + 14_000, 50_000);
            push(1, id, MessageKind::Ack, 0, p * 31_000, 60_000);
        }
        push(1, 2, MessageKind::Replication, 3, 9_000, 50_000);
        push(2, 1, MessageKind::Replication, 0, 33_000, 50_000);
        push(1, 1100, MessageKind::ConsumerFetch, 12, 9_000, 70_000);
        push(1100, 1, MessageKind::ConsumerFetch, 0, 39_000, 70_000);
        push(2, 100, MessageKind::Heartbeat, 0, 39_000, 90_000);
        push(1103, 1, MessageKind::Heartbeat, 0, 12_000, 90_000);
        push(1102, 1, MessageKind::Control, 0, 52_000, 90_000);
        let begun = now - now % 83_000;
        let work = vec![Work {
            consumer: NodeId(1100),
            hue: Hue::of(0),
            from: Time(begun),
            until: Time(begun + 83_000),
        }];
        Motion { now: Time(now), messages, work }
    }
    pub(super) fn tempo_name(&self) -> Rc<str> {
        "fixture".into()
    }
}
