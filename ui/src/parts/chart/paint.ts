/** Curves on a canvas. All measures are in CSS pixels, from the upper left corner of the plot. */
import type { Curve, Mark } from '../../lib/series'

export interface Line {
  curve: Curve
  /** What the line goes through: the curve's y, or its moving mean. */
  values: readonly number[]
  /** Whether `values` is a moving mean, so that the values themselves are drawn faintly beside it. */
  mean: boolean
  colour: string
}

export interface View {
  width: number
  height: number
  /** NaN for what the scale cannot show. */
  x: (value: number) => number
  y: (value: number) => number
}

type Canvas = CanvasRenderingContext2D

/** Draw the lines, the first of them on top. */
export function paint(ctx: Canvas, lines: readonly Line[], view: View): void {
  ctx.save()
  ctx.beginPath()
  ctx.rect(0, -1, view.width, view.height + 2)
  ctx.clip()
  ctx.lineJoin = 'round'
  const crowd = lines.length
  for (const line of [...lines].reverse()) {
    if (line.curve.summed) band(ctx, line, view, crowd)
  }
  for (const line of [...lines].reverse()) {
    const { curve, colour } = line
    if (line.mean) stroke(ctx, curve, curve.y, view, colour, 1, crowd > 20 ? 0.12 : 0.3)
    stroke(ctx, curve, line.values, view, colour, crowd > 40 ? 1.1 : 1.6, crowd > 40 ? 0.8 : 1)
    if (crowd <= 6 && curve.x.length <= 24 && !line.mean) dots(ctx, curve, view, colour)
    marks(ctx, curve.marks, view, colour)
  }
  ctx.restore()
}

/** The samples that a line connects, one run of them after the other, as [first, last]. */
export function* pieces(curve: Curve, values: readonly number[], view: View): Generator<[number, number]> {
  let from = -1
  for (let i = 0; i <= values.length; i++) {
    const there = i < values.length && shown(curve.x[i], values[i], view)
    if (from >= 0 && (!there || curve.apart[i])) {
      yield [from, i - 1]
      from = -1
    }
    if (there && from < 0) from = i
  }
}

function shown(x: number | undefined, y: number | undefined, view: View): boolean {
  return x !== undefined && y !== undefined && Number.isFinite(view.x(x)) && Number.isFinite(view.y(y))
}

function stroke(ctx: Canvas, curve: Curve, values: readonly number[], view: View, colour: string, width: number, alpha: number) {
  ctx.strokeStyle = ctx.fillStyle = colour
  ctx.lineWidth = width
  ctx.globalAlpha = alpha
  ctx.beginPath()
  const alone: number[] = []
  for (const [from, to] of pieces(curve, values, view)) {
    if (from === to) alone.push(from)
    for (let i = from; i <= to; i++) {
      const [x, y] = [view.x(curve.x[i] ?? NaN), view.y(values[i] ?? NaN)]
      if (i === from) ctx.moveTo(x, y)
      else ctx.lineTo(x, y)
    }
  }
  ctx.stroke()
  ctx.beginPath()
  for (const i of alone) dot(ctx, view.x(curve.x[i] ?? NaN), view.y(values[i] ?? NaN), width + 1)
  ctx.fill()
  ctx.globalAlpha = 1
}

function dots(ctx: Canvas, curve: Curve, view: View, colour: string) {
  ctx.fillStyle = colour
  ctx.beginPath()
  curve.x.forEach((x, i) => shown(x, curve.y[i], view) && dot(ctx, view.x(x), view.y(curve.y[i] ?? NaN), 2.4))
  ctx.fill()
}

export function dot(ctx: Canvas, x: number, y: number, radius: number) {
  ctx.moveTo(x + radius, y)
  ctx.arc(x, y, radius, 0, 2 * Math.PI)
}

/** What stands out by this many times the usual distance from the mean is drawn as a line of its own. */
const OUTLIER = 4

/** From the least to the greatest value of each sample. */
function band(ctx: Canvas, { curve, colour, mean }: Line, view: View, crowd: number) {
  const floor = (value: number) => {
    const y = view.y(value)
    return Number.isFinite(y) ? y : view.height + 2
  }
  ctx.fillStyle = ctx.strokeStyle = colour
  ctx.beginPath()
  for (const [from, to] of pieces(curve, curve.high, view)) {
    for (let i = from; i <= to; i++) ctx.lineTo(view.x(curve.x[i] ?? NaN), view.y(curve.high[i] ?? NaN))
    for (let i = to; i >= from; i--) ctx.lineTo(view.x(curve.x[i] ?? NaN), floor(curve.low[i] ?? NaN))
    ctx.closePath()
  }
  ctx.globalAlpha = crowd <= 3 ? 0.22 : crowd <= 12 ? 0.12 : 0.05
  ctx.fill()
  outliers(ctx, curve, view, floor)
  ctx.globalAlpha = mean || crowd > 12 ? 0.6 : 0.9
  ctx.lineWidth = 1
  ctx.stroke()
  ctx.globalAlpha = 1
}

function outliers(ctx: Canvas, curve: Curve, view: View, floor: (value: number) => number) {
  const usual = median(curve.high.map((high, i) => high - (curve.low[i] ?? high)))
  ctx.beginPath()
  curve.x.forEach((x, i) => {
    const [y, low, high] = [curve.y[i] ?? NaN, curve.low[i] ?? NaN, curve.high[i] ?? NaN]
    if (!shown(x, high, view)) return
    const middle = Number.isFinite(y) ? y : (low + high) / 2
    for (const end of [low, high]) {
      if (Math.abs(end - middle) <= OUTLIER * usual) continue
      ctx.moveTo(view.x(x), floor(middle))
      ctx.lineTo(view.x(x), floor(end))
    }
  })
}

function median(values: readonly number[]): number {
  const known = values.filter(Number.isFinite).sort((a, b) => a - b)
  return known[known.length >> 1] ?? 0
}

/** Crosses for NaN and triangles for infinities, at the edge that they lie beyond. */
function marks(ctx: Canvas, list: readonly Mark[], view: View, colour: string) {
  ctx.strokeStyle = ctx.fillStyle = colour
  ctx.lineWidth = 1.5
  const last: Partial<Record<Mark['kind'], number>> = {}
  for (const { x, kind } of list) {
    const left = view.x(x)
    if (!Number.isFinite(left) || Math.abs(left - (last[kind] ?? -Infinity)) < 4) continue
    last[kind] = left
    const top = kind === 'Infinity' ? 5 : view.height - 5
    ctx.beginPath()
    if (kind === 'NaN') {
      ctx.moveTo(left - 3, top - 3)
      ctx.lineTo(left + 3, top + 3)
      ctx.moveTo(left + 3, top - 3)
      ctx.lineTo(left - 3, top + 3)
      ctx.stroke()
    } else {
      const tip = kind === 'Infinity' ? -4 : 4
      ctx.moveTo(left, top + tip)
      ctx.lineTo(left - 4, top - tip / 2)
      ctx.lineTo(left + 4, top - tip / 2)
      ctx.fill()
    }
  }
}
