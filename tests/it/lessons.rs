//! Every lesson, played: unsolved at the start and after idling, solved by its reference solution,
//! each wrong solution answered, each prediction with one right answer.

use std::collections::BTreeSet;

use brokerscope::base::{Duration, Rng};
use brokerscope::cluster::Action;
use brokerscope::cluster::scenario::Setting;
use brokerscope::kafka::config::{BrokerConfig, ConsumerConfig, ProducerConfig, TopicConfig};
use brokerscope::kafka::consumer::ServiceTime;
use brokerscope::kafka::producer::Rate;
use brokerscope::lesson::{
    Block, Inline, Lesson, LessonCommand, Phase, Quantity, Standing, Step, WrongSolution, course,
};
use brokerscope::session::{PlaybackCommand, Speed, Tutor};

const SEEDS: [u64; 3] = [1, 42, 2_026];
const FRAME: Duration = Duration::from_millis(100);
/// Longest that a step may take, in simulated seconds.
const PATIENCE: u64 = 90;

fn lessons() -> impl Iterator<Item = &'static Lesson> {
    course().lessons.iter()
}

fn begin(lesson: &Lesson, seed: u64) -> Tutor {
    Tutor::begin(lesson, seed).unwrap_or_else(|error| panic!("{}: {error}", lesson.id))
}

/// A frame; where time stopped at a moment, the learner plays on.
fn frame(tutor: &mut Tutor) {
    let _response = tutor.update(FRAME);
    let waits = matches!(tutor.view().phase, Phase::Intro | Phase::Running | Phase::Fixing);
    if waits && !tutor.session().playback().is_playing() {
        let _response = tutor.session_mut().command(PlaybackCommand::Play);
    }
}

/// Goes on, answering `choice` to every question, until `arrived`.
fn go_on(tutor: &mut Tutor, choice: usize, arrived: impl Fn(&Tutor) -> bool) {
    for _ in 0..PATIENCE * 100 {
        if arrived(tutor) {
            return;
        }
        let view = tutor.view();
        match view.phase {
            Phase::Intro if tutor.session().playback().stop_at().is_some() => frame(tutor),
            Phase::Predicting | Phase::Recalling => {
                let last = view.question.expect("it asks").choices.len() - 1;
                tutor.command(LessonCommand::Choose(choice.min(last)));
                tutor.command(LessonCommand::Next);
            }
            Phase::Running | Phase::Fixing => frame(tutor),
            _ => tutor.command(LessonCommand::Next),
        }
    }
    panic!("{}: stuck at {:?}", tutor.view().id, tutor.view().phase);
}

fn to_the_task(lesson: &Lesson, seed: u64) -> Tutor {
    let mut tutor = begin(lesson, seed);
    go_on(&mut tutor, 0, |tutor| tutor.run().phase() == Phase::Fixing);
    let _response = tutor.session_mut().command(PlaybackCommand::SetSpeed(Speed::REAL));
    tutor
}

fn wrong_solutions(lesson: &Lesson) -> &[WrongSolution<Action>] {
    let task = lesson.steps.iter().find_map(|step| match step {
        Step::Act { wrong, .. } => Some(wrong),
        _ => None,
    });
    task.expect("the build refuses a lesson without a task")
}

#[test]
fn idling_solves_nothing_and_is_not_told_off() {
    for lesson in lessons() {
        let mut tutor = to_the_task(lesson, 42);
        for _ in 0..400 {
            frame(&mut tutor);
            let view = tutor.view();
            assert_eq!(view.phase, Phase::Fixing, "{}", lesson.id);
            assert_eq!(view.feedback, [], "{}", lesson.id);
            let open = view.goals.iter().filter(|goal| goal.why_not.is_some()).count();
            assert_ne!(open, 0, "{}", lesson.id);
        }
    }
}

#[test]
fn the_reference_solution_solves_it_for_every_seed() {
    for (lesson, seed) in lessons().flat_map(|lesson| SEEDS.map(|seed| (lesson, seed))) {
        let mut tutor = to_the_task(lesson, seed);
        tutor.command(LessonCommand::ShowSolution);
        go_on(&mut tutor, 0, |tutor| tutor.run().phase() == Phase::Solved);
        go_on(&mut tutor, 0, |tutor| tutor.completed().is_some());
        assert_eq!(tutor.refused(), [""; 0], "{}", lesson.id);
        assert_eq!(tutor.completed().map(|record| record.standing), Some(Standing::Shown));
    }
}

#[test]
fn each_wrong_solution_stays_unsolved_and_gets_its_own_answer() {
    for lesson in lessons() {
        for wrong in wrong_solutions(lesson) {
            let name = format!("{}: {}", lesson.id, wrong.name);
            let mut tutor = to_the_task(lesson, 42);
            let began = tutor.session().cluster().now();
            let mut actions = wrong.actions.iter().peekable();
            let mut answered = 0;
            for _ in 0..450 {
                let now = tutor.session().cluster().now();
                while let Some(timed) =
                    actions.next_if(|timed| began + Duration::from_millis(timed.after_ms) <= now)
                {
                    let done = tutor.session_mut().act(timed.action.clone());
                    done.unwrap_or_else(|error| panic!("{name}: {error}"));
                }
                frame(&mut tutor);
                let view = tutor.view();
                assert_eq!(view.phase, Phase::Fixing, "{name}");
                let own = tutor.run().gauge().fill(&wrong.feedback, tutor.session().cluster());
                answered += usize::from(view.feedback.iter().any(|told| told.blocks == own));
            }
            assert!(answered >= 50, "{name}: answered for {answered} of 450 frames");
        }
    }
}

#[test]
fn of_each_prediction_exactly_one_answer_comes_true_for_every_seed() {
    for (lesson, seed) in lessons().flat_map(|lesson| SEEDS.map(|seed| (lesson, seed))) {
        let mut tutor = begin(lesson, seed);
        loop {
            go_on(&mut tutor, 1, |tutor| {
                matches!(tutor.run().phase(), Phase::Observed | Phase::Recalled | Phase::Fixing)
                    || tutor.completed().is_some()
            });
            let view = tutor.view();
            match view.phase {
                Phase::Fixing => {
                    tutor.command(LessonCommand::ShowSolution);
                    go_on(&mut tutor, 1, |tutor| tutor.run().phase() == Phase::Solved);
                }
                Phase::Done => break,
                _ => {
                    let choices = view.question.expect("it was asked").choices;
                    let right = choices.iter().filter(|choice| choice.right == Some(true)).count();
                    assert_eq!(right, 1, "{} seed {seed}: {choices:#?}", lesson.id);
                    assert!(!view.feedback.is_empty());
                }
            }
            tutor.command(LessonCommand::Next);
        }
    }
}

/// What the lesson asks after the task is about old orders that wait: without them the wrong answer would
/// come true.
#[test]
fn who_empties_the_backlog_first_has_not_solved_the_first_lesson() {
    let lesson = course().lesson("one-partition").expect("it is the first");
    let mut tutor = to_the_task(lesson, 42);
    let service = |tutor: &mut Tutor, micros| {
        for n in 1..=5 {
            let service = ServiceTime::Fixed { micros };
            let action = Action::SetService { name: format!("worker-{n}"), service };
            tutor.session_mut().act(action).unwrap();
        }
    };
    service(&mut tutor, 1_000);
    (0..200).for_each(|_| frame(&mut tutor));
    service(&mut tutor, 83_333);
    let grow = Action::AddPartitions { topic: "user-actions".to_owned(), partitions: 5 };
    tutor.session_mut().act(grow).unwrap();
    (0..600).for_each(|_| frame(&mut tutor));
    let view = tutor.view();
    assert_eq!(view.phase, Phase::Fixing);
    let met: Vec<_> = view.goals.iter().map(|goal| goal.met).collect();
    assert_eq!(met, [true, true, false], "only the old orders are missing");
    assert!(view.goals[2].why_not.is_some());
}

/// Something that a learner might do with the clients and topics of `lesson`.
fn whim(lesson: &Lesson, rng: &mut Rng) -> Action {
    let scenario = &lesson.scenario;
    let topic = scenario.topics[0].name.clone();
    let numbered = |name: &str, count: u32, rng: &mut Rng| {
        if count == 1 {
            name.to_owned()
        } else {
            format!("{name}-{}", rng.between(1, count.into()))
        }
    };
    let (writer, reader) = (&scenario.producers[0], &scenario.consumers[0]);
    let writer = numbered(&writer.name, writer.count, rng);
    let reader = numbered(&reader.name, reader.count, rng);
    let broker = i32::try_from(rng.between(1, 3)).unwrap();
    match rng.below(12) {
        0 => Action::AddPartitions { topic, partitions: i32::try_from(rng.between(1, 8)).unwrap() },
        1 => Action::SetReplicationFactor { topic, replication_factor: 2 },
        2 => {
            let value = Some(Setting(rng.between(1, 3).to_string()));
            Action::SetTopicConfig { topic, key: "min.insync.replicas".to_owned(), value }
        }
        3 => Action::DeleteTopic { topic },
        4 => Action::CrashBroker { broker, lose_disk: rng.chance(1, 2) },
        5 => Action::StartBroker { broker },
        6 => Action::PauseBroker { broker, for_ms: 5_000 },
        7 => Action::RemoveProducer { name: writer },
        8 => Action::SetRate { name: writer, rate: Rate::Constant { per_second: 40.0 } },
        9 => Action::RemoveConsumer { name: reader },
        10 => {
            let service = ServiceTime::Fixed { micros: 5_000 };
            Action::SetService { name: reader, service }
        }
        _ => Action::SetGroup { name: reader, group: Some("others".to_owned()) },
    }
}

/// A learner in the task who has already done some things.
fn after_whims(lesson: &Lesson, seed: u64) -> Tutor {
    let mut tutor = to_the_task(lesson, seed);
    let mut rng = Rng::stream(seed, "whims");
    for _ in 0..rng.between(1, 5) {
        // What cannot be done is refused, and that is all.
        let _result = tutor.session_mut().act(whim(lesson, &mut rng));
        for _ in 0..rng.between(5, 60) {
            frame(&mut tutor);
        }
    }
    tutor
}

#[test]
fn whatever_was_done_before_the_solution_solves_it_or_says_why_not() {
    let (mut solved, mut told) = (0, 0);
    for (lesson, seed) in lessons().flat_map(|lesson| (0..12).map(move |seed| (lesson, seed))) {
        let mut tutor = after_whims(lesson, seed);
        tutor.command(LessonCommand::ShowSolution);
        let is_over =
            |tutor: &Tutor| tutor.run().phase() != Phase::Fixing || tutor.view().solution_failed;
        go_on(&mut tutor, 0, is_over);
        let view = tutor.view();
        solved += u32::from(view.phase == Phase::Solved);
        told += u32::from(view.solution_failed);
        let shown: Vec<_> =
            view.solution.iter().flatten().filter_map(|line| line.refused.as_deref()).collect();
        for line in view.solution.iter().flatten() {
            assert!(!(line.done && line.refused.is_some()), "{} seed {seed}: {line:?}", lesson.id);
        }
        // A refusal that comes after the goals are reached has nothing to explain.
        if view.phase == Phase::Fixing {
            assert_eq!(shown.len(), tutor.refused().len(), "{} seed {seed}", lesson.id);
        }
    }
    assert!(solved >= 5 && told >= 5, "{solved} solved, {told} told why not");
}

#[test]
fn whatever_was_done_before_skipping_leads_to_the_end() {
    for (lesson, seed) in lessons().flat_map(|lesson| (0..6).map(move |seed| (lesson, seed))) {
        let mut tutor = after_whims(lesson, seed);
        if tutor.run().phase() == Phase::Fixing {
            tutor.command(LessonCommand::Skip);
        }
        go_on(&mut tutor, 0, |tutor| tutor.completed().is_some());
    }
}

#[test]
fn who_skips_the_task_goes_on_with_a_mended_cluster() {
    for lesson in lessons() {
        let mut tutor = to_the_task(lesson, 42);
        tutor.command(LessonCommand::Skip);
        go_on(&mut tutor, 0, |tutor| tutor.run().phase() != Phase::Fixing);
        assert_eq!(tutor.refused(), [""; 0], "{}", lesson.id);
        go_on(&mut tutor, 0, |tutor| {
            matches!(tutor.run().phase(), Phase::Observed | Phase::Explained)
        });
        let view = tutor.view();
        if let Some(question) = view.question {
            let right = question.choices.iter().filter(|choice| choice.right == Some(true)).count();
            assert_eq!(right, 1, "{}: {:#?}", lesson.id, question.choices);
        }
    }
}

#[test]
fn a_learner_who_skips_everything_comes_to_the_end() {
    for lesson in lessons() {
        let mut tutor = begin(lesson, 42);
        for _ in 0..PATIENCE {
            tutor.command(LessonCommand::Skip);
            // What a step shows still happens, quickly, so that the next one finds what it asks about.
            frame(&mut tutor);
        }
        let standing = tutor.completed().map(|record| record.standing);
        assert_eq!(standing, Some(Standing::Skipped), "{}", lesson.id);
    }
}

#[test]
fn what_was_predicted_of_a_rate_is_drawn_over_it_from_the_run_on() {
    let lesson = course().lesson("one-partition").expect("the course has it");
    let mut tutor = begin(lesson, 42);
    while tutor.run().phase() != Phase::Predicting {
        tutor.command(LessonCommand::Skip);
        frame(&mut tutor);
    }
    tutor.command(LessonCommand::Choose(0));
    assert_eq!(tutor.view().said, None, "nothing runs yet");
    tutor.command(LessonCommand::Next);
    let said = tutor.view().said.expect("it is about a rate");
    assert_eq!((said.of, said.at_least), (Quantity::FinishedRate, Some(55.0)));
    go_on(&mut tutor, 1, |tutor| tutor.run().phase() == Phase::Observed);
    assert_eq!(tutor.view().said, Some(said));
}

#[test]
fn who_skips_every_step_reads_no_text_without_its_numbers() {
    for lesson in lessons() {
        let mut tutor = begin(lesson, 42);
        let mut seen = 0;
        while tutor.run().phase() != Phase::Done {
            let step = tutor.view().step;
            tutor.command(LessonCommand::Skip);
            go_on(&mut tutor, 1, |tutor| {
                tutor.run().phase() == Phase::Done || tutor.view().step != step
            });
            let view = tutor.view();
            let text = format!("{:?} {:?}", view.blocks, view.question);
            assert!(!text.contains("Text(\"–\")"), "{} step {}: {text}", lesson.id, view.step);
            seen += 1;
        }
        assert_eq!(seen, lesson.steps.len(), "{}", lesson.id);
    }
}

#[test]
fn prerequisites_come_earlier_in_the_course() {
    let order: Vec<_> = course()
        .outline
        .parts
        .iter()
        .flat_map(|part| &part.lessons)
        .filter_map(|entry| entry.lesson.as_deref())
        .collect();
    let place = |id: &str| order.iter().position(|other| *other == id);
    for lesson in lessons() {
        for needed in &lesson.prerequisites {
            assert!(place(needed) < place(&lesson.id), "{} needs {needed}", lesson.id);
        }
    }
}

/// Every line of text of a lesson.
fn lines(lesson: &Lesson) -> Vec<&[Inline]> {
    let mut blocks: Vec<&Block> = Vec::new();
    let mut lines: Vec<&[Inline]> = Vec::new();
    for step in &lesson.steps {
        match step {
            Step::Say { text, .. } | Step::Explain { text, .. } => blocks.extend(text),
            Step::Predict { text, question, observed, .. } => {
                blocks.extend(text.iter().chain(observed));
                blocks.extend(question.choices.iter().flat_map(|choice| &choice.feedback));
                lines.extend(question.choices.iter().map(|choice| &choice.text[..]));
                lines.push(&question.text);
            }
            Step::Recall { question, .. } => {
                blocks.extend(question.choices.iter().flat_map(|choice| &choice.feedback));
                lines.extend(question.choices.iter().map(|choice| &choice.text[..]));
                lines.push(&question.text);
            }
            Step::Act { text, goals, hints, solution, wrong, solved, .. } => {
                for goal in goals {
                    lines.push(&goal.text);
                    lines.extend(goal.why_not.as_deref());
                }
                lines.extend(solution.iter().map(|step| &step.why[..]));
                blocks.extend(text.iter().chain(solved));
                blocks.extend(wrong.iter().flat_map(|wrong| &wrong.feedback));
                lines.extend(hints.iter().map(|hint| &hint[..]));
            }
        }
    }
    for block in blocks {
        match block {
            Block::Paragraph(line) => lines.push(line),
            Block::List { items, .. } => lines.extend(items.iter().map(|item| &item[..])),
            Block::Code(_) => {}
        }
    }
    lines
}

fn codes(line: &[Inline], found: &mut BTreeSet<String>) {
    for piece in line {
        match piece {
            Inline::Code(code) => {
                found.insert(code.clone());
            }
            Inline::Strong(inner) | Inline::Emphasis(inner) => codes(inner, found),
            Inline::Text(_) | Inline::Measured { .. } => {}
        }
    }
}

/// Whether `code` is no setting, or one that Kafka has; with `=`, with such a value.
fn setting(code: &str) -> Result<(), String> {
    let (key, value) = match code.split_once('=') {
        Some((key, value)) => (key, Some(value)),
        None if code.contains('.') => (code, None),
        None => return Ok(()),
    };
    if key == "group.id" {
        return Ok(());
    }
    macro_rules! in_table {
        ($($config:ident)*) => {$(
            if $config::KEYS.iter().any(|known| known.name == key) {
                return value.map_or(Ok(()), |value| {
                    $config::default().set(key, value).map_err(|error| error.to_string())
                });
            }
        )*};
    }
    in_table!(BrokerConfig TopicConfig ProducerConfig ConsumerConfig);
    Err("Kafka has no such setting".to_owned())
}

#[test]
fn a_setting_is_known_by_its_key_and_its_value() {
    for right in ["auto.offset.reset=earliest", "acks=all", "min.insync.replicas=2", "mailers"] {
        assert_eq!(setting(right), Ok(()));
    }
    for wrong in ["auto.offset.reset=erliest", "acks=2", "min.insync.replicas=0", "max.pol.records"]
    {
        assert!(setting(wrong).is_err(), "{wrong}");
    }
}

#[test]
fn every_setting_that_a_text_names_exists_with_such_a_value() {
    for lesson in lessons() {
        let mut named = BTreeSet::new();
        for line in lines(lesson) {
            codes(line, &mut named);
        }
        for code in named {
            if let Err(wrong) = setting(&code) {
                panic!("{}: `{code}`: {wrong}", lesson.id);
            }
        }
    }
}

#[test]
fn what_a_list_of_lessons_shows_is_short_and_whole() {
    for lesson in lessons() {
        assert!(lesson.title.chars().count() <= 40, "{}", lesson.title);
        assert!(!lesson.ways.is_empty() && !lesson.controls.is_empty(), "{}", lesson.id);
        for sentence in &lesson.teaches {
            assert!(sentence.ends_with('.') && sentence.chars().count() <= 120, "{sentence}");
        }
    }
}
