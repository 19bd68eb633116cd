// How the shapes of the score look: the same rules on the page and in exported files.

export const SHAPES = `
.s-staff-lines { stroke: var(--staff); stroke-width: 1; fill: none; }
.s-staff-lines.s-wide { stroke-dasharray: 1 5; stroke-linecap: round; }
.s-tick { stroke: var(--line); stroke-width: 1; fill: none; }
.s-time { font: 10px system-ui, "DejaVu Sans", sans-serif; fill: var(--muted); font-variant-numeric: tabular-nums; }
.s-word, .s-tag, .s-thinking, .s-tool-name, .s-expression, .s-lane { paint-order: stroke; stroke: var(--paper); stroke-width: 3px; stroke-linejoin: round; }
.s-word { font: 12px system-ui, "DejaVu Sans", sans-serif; }
.s-word.s-heard { fill: var(--heard); }
.s-word.s-said { fill: var(--said); }
.s-word.s-tentative { font-style: italic; fill-opacity: 0.62; }
.s-word.s-filler, .s-word.s-murmur { font-style: italic; fill-opacity: 0.75; }
.s-word.s-coming { fill: var(--muted); }
.s-word.s-unheard { fill: var(--muted); text-decoration: line-through; stroke: none; }
.s-word.s-musing { font-style: italic; fill: var(--muted); }
.s-band.s-heard { fill: var(--heard); fill-opacity: 0.1; }
.s-band.s-said { fill: var(--said); fill-opacity: 0.1; }
.s-band.s-filler { fill: var(--said); fill-opacity: 0.05; stroke: var(--said); stroke-opacity: 0.45; stroke-dasharray: 2 4; }
.s-note.s-heard { fill: var(--heard); }
.s-note.s-said { fill: var(--said); }
.s-note.s-filler { fill-opacity: 0.42; }
.s-note.s-tentative, .s-note.s-coming, .s-note.s-unheard { fill: var(--paper); stroke-width: 1.2; }
.s-note.s-tentative { stroke: var(--heard); stroke-dasharray: 2 1.6; }
.s-note.s-coming { stroke: var(--said); }
.s-note.s-unheard { stroke: var(--muted); stroke-opacity: 0.7; }
.s-typed-stem { stroke: var(--heard); stroke-opacity: 0.5; stroke-dasharray: 1.5 2.5; }
.s-slur { stroke: none; }
.s-slur.s-heard { fill: var(--heard); }
.s-slur.s-said { fill: var(--said); }
.s-barline { stroke: var(--heard); stroke-width: 1.6; fill: none; }
.s-final-bar { stroke: var(--muted); stroke-width: 1.2; fill: none; }
.s-final-bar.s-thick { stroke-width: 3.5; }
.s-gap-band.s-good, .s-pill.s-good { fill: var(--good); }
.s-gap-band.s-fair, .s-pill.s-fair { fill: var(--fair); }
.s-gap-band.s-slow, .s-pill.s-slow { fill: var(--slow); }
.s-gap-band { fill-opacity: 0.11; }
.s-gap-band.s-open { fill: var(--muted); }
.s-gap-edge, .s-gap-line { fill: none; stroke-width: 1.1; }
.s-gap-edge { stroke-opacity: 0.4; }
.s-gap-edge.s-good, .s-gap-line.s-good { stroke: var(--good); }
.s-gap-edge.s-fair, .s-gap-line.s-fair { stroke: var(--fair); }
.s-gap-edge.s-slow, .s-gap-line.s-slow { stroke: var(--slow); }
.s-pill-text { font: 600 10.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--paper); font-variant-numeric: tabular-nums; }
.s-lead-band { fill: var(--thought); fill-opacity: 0.13; }
.s-lead-edge { stroke: var(--thought); stroke-width: 1.1; fill: none; stroke-opacity: 0.8; }
.s-expression { font: italic 12px Georgia, "Times New Roman", "DejaVu Serif", serif; fill: var(--thought); }
.s-stream.s-answer { fill: var(--thought); }
.s-stream.s-awaiting { fill: var(--thought); fill-opacity: 0.35; }
.s-stream.s-draft { fill: var(--paper); stroke: var(--thought); stroke-width: 1.3; }
.s-stream.s-thrown { fill: var(--muted); fill-opacity: 0.28; }
.s-stream.s-private { fill: var(--thought); fill-opacity: 0.45; }
.s-texture { stroke: var(--thought); stroke-width: 1; stroke-opacity: 0.65; fill: none; }
.s-kept { stroke: var(--thought); stroke-width: 1.3; stroke-dasharray: 1 3.5; stroke-linecap: round; fill: none; }
.s-cross { stroke: var(--muted); stroke-width: 1.8; stroke-linecap: round; fill: none; }
.s-frozen { stroke: var(--thought); stroke-width: 1.8; fill: none; }
.s-promoted { fill: var(--thought); stroke: var(--paper); stroke-width: 1.4; }
.s-verified { stroke: var(--thought); stroke-width: 2; stroke-linecap: round; stroke-linejoin: round; fill: none; }
.s-tie { stroke: var(--thought); stroke-width: 1.2; fill: none; }
.s-tag { font: 600 10.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--thought); }
.s-tag.s-gone { fill: var(--muted); }
.s-thinking { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--thought); }
.s-thinking.s-struck { fill: var(--muted); text-decoration: line-through; stroke: none; }
.s-thinking.s-musing { font-style: italic; fill: var(--muted); }
.s-bracket { stroke: var(--thought); stroke-width: 1.2; fill: none; }
.s-tool-name { font: 600 10.5px ui-monospace, "DejaVu Sans Mono", monospace; fill: var(--thought); }
.s-bracket.s-failed { stroke: var(--slow); }
.s-tool-name.s-failed, .s-fault { fill: var(--slow); }
.s-fault { font: 600 10.5px system-ui, "DejaVu Sans", sans-serif; }
.s-flow { fill: none; stroke-width: 1.4; stroke-opacity: 0.6; }
.s-promoted-flow { stroke-width: 2.6; stroke-opacity: 0.85; }
.s-flow-from { stop-color: var(--thought); }
.s-flow-to { stop-color: var(--said); }
.s-hairpin { stroke: var(--said); stroke-width: 1.1; fill: none; }
.s-double-bar { stroke: var(--slow); stroke-width: 1.3; fill: none; }
.s-double-bar.s-thick { stroke-width: 3.4; }
.s-interruption { stroke: var(--slow); stroke-width: 1.2; stroke-dasharray: 2 3; fill: none; }
.s-grace { fill: var(--said); }
.s-grace-stem { stroke: var(--said); stroke-width: 1.1; fill: none; }
.s-rest { fill: var(--ink); }
.s-clef { fill: none; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
.s-clef.s-wide { stroke-width: 3; }
.s-clef.s-heard { stroke: var(--heard); }
.s-clef.s-thought { stroke: var(--thought); }
.s-clef.s-said { stroke: var(--said); }
.s-clef-dot.s-heard { fill: var(--heard); }
.s-clef-dot.s-said { fill: var(--said); }
.s-lane { font: italic 14px Georgia, "Times New Roman", "DejaVu Serif", serif; }
.s-lane.s-heard { fill: var(--heard); }
.s-lane.s-thought { fill: var(--thought); }
.s-lane.s-said { fill: var(--said); }
.s-brace { stroke: var(--muted); stroke-width: 1.6; fill: none; }
.s-curtain { fill: var(--paper); }
`;

/** @type {CSSStyleSheet | undefined} */
let worn;

/** The page's shapes look so from now on. */
export function dressShapes() {
  if (worn) return;
  worn = new CSSStyleSheet();
  worn.replaceSync(SHAPES);
  document.adoptedStyleSheets.push(worn);
}
