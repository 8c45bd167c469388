//! The page's icons: one component for all of them. Each icon of the crate is a component of its own, and
//! a component costs the page several kilobytes of machinery; here the crate's drawings alone are used.

use yew::functional::{FunctionProvider as _, Hook, HookContext};
use yew::html::HtmlResult;
use yew::{AttrValue, Html, Properties, component};

macro_rules! glyphs {
    ($($name:ident $props:ident,)*) => {
        /// Which icon; by the crate's names.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(super) enum Glyph {
            $($name,)*
        }

        fn draw(icon: &IconProps, context: &mut HookContext) -> HtmlResult {
            let (size, fill) = (icon.size, icon.fill.clone());
            match icon.of {
                $(Glyph::$name => {
                    lucide_yew::$name::run(context, &yew::props!(lucide_yew::$props { size, fill }))
                })*
            }
        }
    };
}

glyphs! {
    BookOpen BookOpenProps,
    Captions CaptionsProps,
    ChartLine ChartLineProps,
    CircleCheck CircleCheckProps,
    CircleQuestionMark CircleQuestionMarkProps,
    Contrast ContrastProps,
    Keyboard KeyboardProps,
    Minus MinusProps,
    Moon MoonProps,
    Pause PauseProps,
    Play PlayProps,
    Plus PlusProps,
    Presentation PresentationProps,
    ScrollText ScrollTextProps,
    SkipBack SkipBackProps,
    StepForward StepForwardProps,
    Sun SunProps,
    Terminal TerminalProps,
    TriangleAlert TriangleAlertProps,
    X XProps,
}

/// Which icon, and how.
#[derive(Clone, PartialEq, Debug, Properties)]
pub(super) struct IconProps {
    /// Which.
    pub of: Glyph,
    /// Width and height in CSS pixels.
    pub size: usize,
    /// What it is filled with.
    #[prop_or(AttrValue::from("none"))]
    pub fill: AttrValue,
}

/// Runs the crate's drawing where a hook runs: it asks for the same context.
struct Drawing<'a>(&'a IconProps);

impl Hook for Drawing<'_> {
    type Output = Html;

    fn run(self, context: &mut HookContext) -> Html {
        // A drawing waits for nothing, so it cannot be put off.
        draw(self.0, context).unwrap_or_default()
    }
}

fn use_drawing(icon: &IconProps) -> impl Hook<Output = Html> {
    Drawing(icon)
}

/// An icon. It says nothing: what it stands in has a name.
#[component]
pub(super) fn Icon(props: &IconProps) -> Html {
    use_drawing(props)
}
