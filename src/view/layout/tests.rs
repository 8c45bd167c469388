//! Tests of the layout: nothing overlaps, leaves the stage or reads the wrong way.

use super::*;
use crate::view::scene::{SampleSize, Scene};

fn laid_out(size: SampleSize, room: Size, scale: f64) -> Layout {
    Layout::new(&Shape::from(&Scene::sample_of(size)), room, scale)
}

const ROOM: Size = Size { width: 940.0, height: 560.0 };
const SMALL: SampleSize =
    SampleSize { producers: 3, brokers: 3, partitions: 1, replicas: 2, members: 5 };
const LARGE: SampleSize =
    SampleSize { producers: 8, brokers: 9, partitions: 48, replicas: 3, members: 50 };

/// Every box that must not touch another of its kind.
fn panels(layout: &Layout) -> Vec<Rect> {
    let producers = layout.producers.iter().map(|client| client.rect);
    let brokers = layout.brokers.iter().map(|broker| broker.rect);
    let groups = layout.groups.iter().map(|group| group.rect);
    producers.chain(brokers).chain(groups).collect()
}

#[track_caller]
fn assert_tidy(layout: &Layout) {
    let stage = Rect { x: 0.0, y: 0.0, width: layout.size.width, height: layout.size.height };
    let panels = panels(layout);
    for (i, panel) in panels.iter().enumerate() {
        assert!(stage.contains(*panel), "{panel:?} leaves the stage {stage:?}");
        for other in &panels[i + 1..] {
            assert!(!panel.overlaps(*other), "{panel:?} overlaps {other:?}");
        }
    }
    for broker in &layout.brokers {
        for lane in &broker.lanes {
            assert!(broker.rect.contains(lane.rect), "a lane leaves its broker");
            assert!(lane.rect.contains(lane.track), "a track leaves its lane");
        }
    }
    for group in &layout.groups {
        for member in &group.members {
            assert!(group.rect.contains(member.rect), "a member leaves its group");
        }
    }
}

#[test]
fn a_small_cluster_is_shown_in_full() {
    let layout = laid_out(SMALL, ROOM, 1.0);
    assert_tidy(&layout);
    assert_eq!(layout.lane_detail, Detail::Full);
    assert_eq!(layout.consumer_detail, Detail::Full);
    assert!(layout.size.height <= ROOM.height + 1e-6);
}

#[test]
fn records_travel_from_left_to_right() {
    let layout = laid_out(SMALL, ROOM, 1.0);
    assert!(layout.producers[0].rect.right() < layout.brokers[0].rect.x);
    assert!(layout.brokers[0].rect.right() < layout.groups[0].rect.x);
}

#[test]
fn nine_brokers_with_48_partitions_and_50_members_fit_a_laptop() {
    let layout = laid_out(LARGE, ROOM, 1.0);
    assert_tidy(&layout);
    assert!(layout.size.height <= ROOM.height + 1e-6, "{:?} {:?}", layout.size, panels(&layout));
    assert!(layout.lane_detail > Detail::Full);
}

#[test]
fn no_size_makes_panels_overlap_or_leave_the_stage() {
    for brokers in 1..=9 {
        for (partitions, members) in [(1, 1), (3, 5), (12, 12), (48, 50)] {
            for room in
                [ROOM, Size { width: 1_560.0, height: 860.0 }, Size { width: 390.0, height: 500.0 }]
            {
                for scale in [1.0, 1.35] {
                    let size =
                        SampleSize { producers: 5, brokers, partitions, replicas: 3, members };
                    assert_tidy(&laid_out(size, room, scale));
                }
            }
        }
    }
}

#[test]
fn a_narrow_page_stacks_the_columns() {
    let layout = laid_out(SMALL, Size { width: 390.0, height: 600.0 }, 1.0);
    assert_eq!(layout.direction, Direction::Down);
    assert!(layout.producers[0].rect.bottom() < layout.brokers[0].rect.y);
    assert!(layout.brokers[2].rect.bottom() < layout.groups[0].rect.y);
}
