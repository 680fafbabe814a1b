/** Where the bars of a waterfall lie. */
import { lengthSplits, lengthTick } from './axis'
import { lengthOf, type SpanTree } from './spans'

/** A part of the time, in milliseconds since the trace began. */
export interface Window {
  from: number
  to: number
}

/** A bar, as shares of the width: 0 is the left edge, 1 the right one. */
export interface Bar {
  left: number
  width: number
  /** Goes on beyond the edge. */
  cutLeft: boolean
  cutRight: boolean
}

/** The bar of a stretch of time; undefined if nothing of it is in the window. */
export function barOf(from: number, to: number, { from: begin, to: end }: Window): Bar | undefined {
  const all = end - begin
  if (all <= 0 || from > end || to < begin) return undefined
  const left = (Math.max(from, begin) - begin) / all
  return { left, width: (Math.min(to, end) - begin) / all - left, cutLeft: from < begin, cutRight: to > end }
}

/** All of a trace. One that took no time has a width nevertheless. */
export function wholeOf(tree: SpanTree): Window {
  return { from: 0, to: tree.duration || 0.001 }
}

/** Round moments in a window, with where they are and what they say. */
export function marksOf(window: Window, width: number): { share: number; text: string }[] {
  const all = window.to - window.from
  return lengthSplits(window.from, window.to, Math.max(2, Math.floor(width / 90))).map((ms) => ({
    share: (ms - window.from) / all,
    text: ms !== 0 && Math.abs(ms) < 1 ? `${Number((ms * 1000).toPrecision(3))}µs` : lengthTick(ms),
  }))
}

/** A window zoomed by a factor around a share of it, within the whole. */
export function zoomed(window: Window, factor: number, share: number, whole: Window): Window {
  const least = (whole.to - whole.from) / 100_000
  const length = Math.min(whole.to - whole.from, Math.max(least, (window.to - window.from) * factor))
  const at = window.from + share * (window.to - window.from)
  return within({ from: at - share * length, to: at + (1 - share) * length }, whole)
}

/** A window moved so that it lies within the whole. */
export function within(window: Window, whole: Window): Window {
  const length = Math.min(window.to - window.from, whole.to - whole.from)
  const from = Math.max(whole.from, Math.min(whole.to - length, window.from))
  return { from, to: from + length }
}

/** `100..900`, as the link has it. */
export function windowFrom(text: string | undefined, whole: Window): Window {
  const found = /^([\d.]+)\.\.([\d.]+)$/.exec(text ?? '')
  const [from, to] = [Number(found?.[1]), Number(found?.[2])]
  return Number.isFinite(from) && Number.isFinite(to) && to > from ? within({ from, to }, whole) : whole
}

export function windowText({ from, to }: Window, whole: Window): string | undefined {
  if (from <= whole.from && to >= whole.to) return undefined
  return `${Number(from.toPrecision(7))}..${Number(to.toPrecision(7))}`
}

export interface Cell {
  x: number
  y: number
  width: number
  /** Which colour: an index into what `kinds` said, or -1 for an error. */
  kind: number
}

/** A whole trace in `width` times `height` cells: each line stands for some of the spans, errors are never covered. */
export function minimap(tree: SpanTree, width: number, height: number, kindOf: (type: string) => number): Cell[] {
  const { spans } = tree
  const lines = Math.min(height, spans.length)
  const whole = wholeOf(tree)
  const cells = new Int16Array(width * lines).fill(-2)
  for (const [at, span] of spans.entries()) {
    const y = Math.min(lines - 1, Math.floor((at * lines) / spans.length))
    const bar = barOf(span.start, span.start + lengthOf(tree, at), whole)
    if (!bar) continue
    const first = Math.min(width - 1, Math.floor(bar.left * width))
    const last = Math.max(first, Math.min(width - 1, Math.ceil((bar.left + bar.width) * width) - 1))
    const kind = span.state === 'error' ? -1 : kindOf(span.type)
    for (let x = first; x <= last; x++) if (cells[y * width + x] !== -1) cells[y * width + x] = kind
  }
  const found: Cell[] = []
  for (let y = 0; y < lines; y++) {
    for (let x = 0; x < width; x++) {
      const kind = cells[y * width + x] ?? -2
      if (kind === -2) continue
      const begin = x
      while (x + 1 < width && cells[y * width + x + 1] === kind) x++
      found.push({ x: begin, y, width: x - begin + 1, kind })
    }
  }
  return found
}

/** Which of the colours a type of spans has. */
const KINDS: Readonly<Record<string, number>> = {
  AGENT: 0, CHAIN: 1, WORKFLOW: 1, TASK: 1, LLM: 2, CHAT_MODEL: 2, TOOL: 3, RETRIEVER: 4, EMBEDDING: 4, RERANKER: 4, PARSER: 5, MEMORY: 5, GUARDRAIL: 6, EVALUATOR: 6,
}
export const KIND_COUNT = 8

export function kindOf(type: string): number {
  return KINDS[type.toUpperCase()] ?? 7
}
