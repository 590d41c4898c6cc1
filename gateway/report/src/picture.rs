//! Pictures of nodes in columns with edges between them, as SVG: drawn here, nothing to run.

use crate::html::escape;
use std::fmt::Write as _;

const COLUMN: usize = 350;
const ROW: usize = 56;
const WIDTH: usize = 220;
const HEIGHT: usize = 32;
const MARGIN: usize = 20;
/// Characters of a label that are drawn.
const MAX_LABEL: usize = 34;

/// How a thing is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tone {
    Plain,
    /// Red: nobody declared it.
    Alarm,
    /// Grey: declared, not seen.
    Faint,
}

impl Tone {
    pub(crate) fn colour(self) -> &'static str {
        match self {
            Self::Plain => "#31506b",
            Self::Alarm => "#c00000",
            Self::Faint => "#8a8a8a",
        }
    }
}

/// A box with a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) label: String,
    pub(crate) tone: Tone,
}

/// A place of a node: column and row.
pub(crate) type Place = (usize, usize);

/// A line between two places.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Edge {
    pub(crate) from: Place,
    pub(crate) to: Place,
    pub(crate) label: String,
    pub(crate) tone: Tone,
    pub(crate) dashed: bool,
}

/// Columns of nodes, and edges.
#[derive(Default)]
pub(crate) struct Picture {
    columns: [Vec<Node>; 4],
    edges: Vec<Edge>,
}

impl Picture {
    /// Puts a node into a column, or finds it there.
    pub(crate) fn node(&mut self, column: usize, node: Node) -> Place {
        let Some(nodes) = self.columns.get_mut(column) else { return (0, 0) };
        let found = nodes.iter().position(|other| *other == node);
        let row = found.unwrap_or_else(|| {
            nodes.push(node);
            nodes.len() - 1
        });
        (column, row)
    }

    /// Adds an edge once.
    pub(crate) fn edge(&mut self, edge: Edge) {
        if !self.edges.contains(&edge) {
            self.edges.push(edge);
        }
    }

    /// The whole as an SVG document that says `title`.
    pub(crate) fn svg(&self, title: &str) -> String {
        let rows = self.columns.iter().map(Vec::len).max().unwrap_or(0).max(1);
        let (width, height) = (MARGIN * 2 + COLUMN * 3 + WIDTH, MARGIN * 2 + ROW * rows);
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" viewBox=\"0 0 {width} {height}\" \
             font-family=\"system-ui,sans-serif\" font-size=\"12\"><title>{}</title>\n",
            escape(title)
        );
        self.edges.iter().for_each(|edge| draw_edge(&mut out, edge));
        for (column, nodes) in self.columns.iter().enumerate() {
            for (row, node) in nodes.iter().enumerate() {
                draw_node(&mut out, (column, row), node);
            }
        }
        out.push_str("</svg>\n");
        out
    }
}

fn corner((column, row): Place) -> (usize, usize) {
    (MARGIN + column * COLUMN, MARGIN + row * ROW)
}

// Writing to a string does not fail.
fn draw_node(out: &mut String, place: Place, node: &Node) {
    let ((x, y), colour) = (corner(place), node.tone.colour());
    let label: String = node.label.chars().take(MAX_LABEL).collect();
    let (text_x, text_y, label) = (x + 10, y + 20, escape(&label));
    let _ = writeln!(
        out,
        "<rect x=\"{x}\" y=\"{y}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"6\" fill=\"#fff\" \
         stroke=\"{colour}\"/><text x=\"{text_x}\" y=\"{text_y}\" fill=\"{colour}\">{label}</text>"
    );
}

fn draw_edge(out: &mut String, edge: &Edge) {
    let ((x1, y1), (x2, y2)) = (corner(edge.from), corner(edge.to));
    let (x1, y1, y2) = (x1 + WIDTH, y1 + HEIGHT / 2, y2 + HEIGHT / 2);
    let dash = if edge.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
    let colour = edge.tone.colour();
    let _ = writeln!(
        out,
        "<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\" stroke=\"{colour}\"{dash}/>"
    );
    if !edge.label.is_empty() {
        let (x, y) = ((x1 + x2) / 2, (y1 + y2) / 2 - 4);
        let label: String = edge.label.chars().take(MAX_LABEL).collect();
        let label = escape(&label);
        let _ = writeln!(
            out,
            "<text x=\"{x}\" y=\"{y}\" fill=\"{colour}\" text-anchor=\"middle\" \
             font-size=\"10\">{label}</text>"
        );
    }
}
