//! The work of a frame while that many records are under way: time passes, what moves is painted, and ten
//! times a second the structure is projected and rendered anew, all as the page does it.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::task::Poll;

use brokerscope::base::Duration;
use brokerscope::cluster::Cluster;
use brokerscope::kafka::producer::Rate;
use brokerscope::ui::stage::{Painter, Stage, StageProps};
use brokerscope::view::layout::{Layout, Shape, Size};
use brokerscope::view::motion::MotionOptions;
use brokerscope::view::scene::{MessageKind, Motion};
use brokerscope::view::{Part, Scene, project};
use wasm_bindgen::JsCast as _;
use wasm_bindgen_test::console_log;
use web_sys::{CanvasRenderingContext2d, Document, Element, HtmlCanvasElement};
use yew::{AppHandle, Callback, NodeRef, Renderer};

use super::{now, scenario};

const SCENARIO: &str = include_str!("../data/scenarios/bench-frames.toml");
/// What decides how much work the layout of the stage is.
const STYLES: [&str; 4] = [
    include_str!("../../styles/main.css"),
    include_str!("../../styles/tokens.css"),
    include_str!("../../styles/layout.css"),
    include_str!("../../styles/components/stage.css"),
];

const FRAMES: u32 = 240;
/// Sixty frames a second, a tenth of the speed of time.
const FRAME_MS: f64 = 1e3 / 60.0;
const SPEED: f64 = 0.1;
const STEP: Duration = Duration::from_micros(1_667);
/// The page renders structure every 100 ms.
const STRUCTURE_EVERY: u32 = 6;

/// The first line of the table: milliseconds, median and 95th percentile.
pub(crate) const HEADER: &str = "records  carried    dots    a frame       = time       + motion      with pixels  \
                                 structure";

/// Measures and prints one line.
pub(crate) async fn measure(records: u32) {
    let (cluster, flight) = busy_cluster(records);
    let mut page = Page::new(cluster, flight).await;
    let (mut time, mut paint, mut raster, mut structure) = (vec![], vec![], vec![], vec![]);
    let (mut dots, mut carried) = (0, 0);
    for frame in 0..FRAMES {
        let start = now();
        page.cluster.run_until(page.cluster.now() + STEP);
        time.push(now() - start);

        let start = now();
        let motion = page.paint();
        paint.push(now() - start);
        page.finish_painting();
        raster.push(now() - start);
        dots += motion.messages.iter().filter(|message| message.records > 0).count();
        carried += motion.messages.iter().map(|message| message.records as usize).sum::<usize>();

        if frame.is_multiple_of(STRUCTURE_EVERY) {
            let start = now();
            page.render().await;
            structure.push(now() - start);
            super::rest().await;
        }
    }
    let frames = FRAMES as usize;
    let whole: Vec<f64> = time.iter().zip(&paint).map(|(time, paint)| time + paint).collect();
    let columns = [&whole, &time, &paint, &raster, &structure].map(|times| spread(times));
    let columns = columns.map(|(median, p95)| format!("{median:>6.1} {p95:>5.1}")).join("  ");
    console_log!("{records:>7} {:>8} {:>7}  {columns}", carried / frames, dots / frames);
    super::rest().await;
    page.close();
}

/// A cluster with about that many messages under way that carry records, and how long they fly.
fn busy_cluster(records: u32) -> (Cluster, Duration) {
    let mut scenario = scenario(SCENARIO);
    let network = scenario.network();
    let flight = Duration(network.latency_us + network.jitter_us / 2);
    for producer in &mut scenario.producers {
        let per_second = f64::from(records) / flight.as_secs_f64() / f64::from(producer.count);
        producer.rate = Rate::Poisson { per_second };
    }
    let mut cluster = Cluster::new(&scenario, scenario.seed).expect("the scenario is valid");
    cluster.run_until(cluster.started() + Duration::from_secs(12));
    (cluster, flight)
}

/// The stage with its canvas, in the document.
struct Page {
    cluster: Cluster,
    scene: Scene,
    layout: Part<Layout>,
    canvas: NodeRef,
    painter: Painter,
    options: MotionOptions,
    app: AppHandle<Stage>,
    root: Element,
}

impl Page {
    async fn new(cluster: Cluster, flight: Duration) -> Self {
        let scene = project::scene(&cluster, None);
        let size = Size { width: 940.0, height: 620.0 };
        let layout = Part::new(Layout::new(&Shape::from(&scene), size, 1.0));
        let canvas = NodeRef::default();
        let root = mount_point();
        let stage = root.query_selector(".stage").ok().flatten().expect("it was just written");
        let properties = properties(&scene, &layout, &canvas);
        let app = Renderer::<Stage>::with_root_and_props(stage, properties).render();
        let_others_run().await;
        let options = MotionOptions {
            speed: SPEED,
            flight,
            hidden: BTreeSet::from([MessageKind::Heartbeat, MessageKind::Control]),
            reduced: false,
        };
        Self {
            cluster,
            scene,
            layout,
            painter: Painter::new(canvas.clone()),
            canvas,
            options,
            app,
            root,
        }
    }

    fn paint(&mut self) -> Motion {
        let motion = project::motion(&self.cluster, &self.options);
        self.painter.paint(&motion, &self.scene.flows, &self.layout, &self.options, FRAME_MS);
        motion
    }

    /// Waits until the canvas has its pixels: reading one of them cannot be put off.
    fn finish_painting(&self) {
        let canvas: HtmlCanvasElement = self.canvas.cast().expect("the stage has a canvas");
        let context = canvas.get_context("2d").ok().flatten().expect("browsers paint in 2d");
        let context: CanvasRenderingContext2d = context.unchecked_into();
        drop(context.get_image_data(0.0, 0.0, 1.0, 1.0));
    }

    /// Projects and renders the structure, and has the browser lay it out.
    async fn render(&mut self) {
        self.scene = project::scene(&self.cluster, Some(&self.scene));
        self.app.update(properties(&self.scene, &self.layout, &self.canvas));
        let_others_run().await;
        self.root.get_bounding_client_rect();
    }

    fn close(self) {
        self.app.destroy();
        self.root.remove();
    }
}

fn properties(scene: &Scene, layout: &Part<Layout>, canvas: &NodeRef) -> StageProps {
    StageProps {
        scene: scene.clone(),
        layout: layout.clone(),
        tempo: SPEED,
        selected: None,
        dispatch: Callback::noop(),
        canvas: canvas.clone(),
    }
}

fn mount_point() -> Element {
    let document: Document = web_sys::window().and_then(|w| w.document()).expect("a page");
    let root = document.create_element("div").expect("`div` is a name");
    let styles = STYLES.join("\n");
    root.set_inner_html(&format!("<style>{styles}</style><div class=\"stage\"></div>"));
    document.body().expect("a page has a body").append_child(&root).expect("bodies take children");
    root
}

/// Lets what is queued, Yew's renderer first, run before this goes on.
async fn let_others_run() {
    let mut waited = false;
    poll_fn(|context| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Median and 95th percentile.
fn spread(times: &[f64]) -> (f64, f64) {
    let mut sorted = times.to_vec();
    sorted.sort_by(f64::total_cmp);
    let at = |percent: usize| sorted[(sorted.len() - 1) * percent / 100];
    (at(50), at(95))
}
