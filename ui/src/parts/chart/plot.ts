/** A plot: uPlot makes axes, cursor and selection; the curves lie on two canvases of our own above its. */
import uPlot from 'uplot'
import 'uplot/dist/uPlot.min.css'
import { LENGTHS, lengthTick, splits, tick, timeTicks } from '../../lib/axis'
import { nearest, type Axis, type Range } from '../../lib/series'
import { dot, paint, type Line, type View } from './paint'

export interface Picture {
  lines: readonly Line[]
  axis: Axis
  x: Range
  y: Range
  logX: boolean
  logY: boolean
}

export interface Listener {
  /** The cursor is at this place, or has left. `mine` if it is in this very plot. */
  moved(at: Spot | undefined, mine: boolean): void
  zoomed(range: Range): void
  reset(): void
}

export interface Spot {
  left: number
  top: number
}

/** A sample near the cursor. */
export interface Hit {
  line: Line
  /** Number of the sample. */
  i: number
  left: number
  top: number
}

export class Plot {
  #u: uPlot | undefined
  #picture: Picture | undefined
  #base = layer()
  #top = layer()
  #highlighted: string | undefined
  #spot: Spot | undefined
  #inside = false

  constructor(
    private readonly root: HTMLElement,
    private readonly listener: Listener,
    /** Plots with the same name have one cursor. */
    private readonly sync: string,
  ) {}

  /** Show something else, or the same at another size or in other colours. */
  draw(picture: Picture, width: number, height: number): void {
    const last = this.#picture
    this.#picture = picture
    if (!this.#u || !last || last.axis !== picture.axis || last.logX !== picture.logX || last.logY !== picture.logY) {
      this.#u?.destroy()
      this.#u = new uPlot(this.#options(picture, width, height), data(picture), this.root)
      this.#u.over.prepend(this.#base, this.#top)
      this.#u.over.onmouseenter = () => (this.#inside = true)
      this.#u.over.onmouseleave = () => (this.#inside = false)
    }
    const u = this.#u
    u.batch(() => {
      if (u.width !== width || u.height !== height) u.setSize({ width, height })
      u.setData(data(picture), false)
      u.setScale('x', { min: picture.x[0], max: picture.x[1] })
      u.setScale('y', { min: picture.y[0], max: picture.y[1] })
      u.redraw(false, true)
    })
  }

  /** Show one run above all others, and the others faintly. */
  highlight(run: string | undefined): void {
    this.#highlighted = run
    this.#paintTop()
  }

  /** Move the cursor, as the mouse would. */
  point(spot: Spot | undefined): void {
    this.#inside = true
    this.#u?.setCursor(spot ?? { left: -10, top: -10 })
    this.#inside = false
  }

  get size(): { width: number; height: number } {
    const over = this.#u?.over
    return { width: over?.clientWidth ?? 0, height: over?.clientHeight ?? 0 }
  }

  /** Where the plot's upper left corner is in the window. */
  get corner(): { left: number; top: number } {
    return this.#u?.over.getBoundingClientRect() ?? { left: 0, top: 0 }
  }

  /** The x at a place. */
  xAt(left: number): number {
    return this.#u?.posToVal(left, 'x') ?? NaN
  }

  leftOf(x: number): number {
    return this.#view().x(x)
  }

  /** The sample of each line that is nearest to a place, the nearest line first. */
  hits({ left, top }: Spot): Hit[] {
    const view = this.#view()
    const x = this.xAt(left)
    const found: { hit: Hit; far: number }[] = []
    for (const line of this.#picture?.lines ?? []) {
      const i = line.curve.step ? nearestOnPlane(line, view, left, top) : nearest(line.curve.x, x)
      const value = line.values[i]
      const where = view.x(line.curve.x[i] ?? NaN)
      if (i < 0 || value === undefined) continue
      const beyond = x < (line.curve.x[0] ?? x) || x > (line.curve.x.at(-1) ?? x)
      if (beyond && Math.abs(where - left) > 16) continue
      const y = view.y(value)
      if (!Number.isFinite(y)) continue
      const far = line.curve.step ? Math.hypot(where - left, y - top) : Math.abs(y - top)
      found.push({ hit: { line, i, left: where, top: y }, far })
    }
    return found.sort((a, b) => a.far - b.far).map(({ hit }) => hit)
  }

  /** All that is to be seen, on a canvas of its own. */
  image(background: string): HTMLCanvasElement | undefined {
    const u = this.#u
    if (!u) return undefined
    const canvas = document.createElement('canvas')
    canvas.width = u.ctx.canvas.width
    canvas.height = u.ctx.canvas.height
    const ctx = canvas.getContext('2d')
    if (!ctx) return undefined
    ctx.fillStyle = background
    ctx.fillRect(0, 0, canvas.width, canvas.height)
    ctx.drawImage(u.ctx.canvas, 0, 0)
    ctx.drawImage(this.#base, u.bbox.left, u.bbox.top, u.bbox.width, u.bbox.height)
    return canvas
  }

  destroy(): void {
    this.#u?.destroy()
    this.#u = undefined
  }

  #view(): View {
    const { x, y, logX, logY } = this.#picture as Picture
    const { width, height } = this.size
    const across = position(x, logX)
    const up = position(y, logY)
    return { width, height, x: (value) => across(value) * width, y: (value) => height - up(value) * height }
  }

  #paintBase(): void {
    if (!this.#u || !this.#picture) return
    const view = this.#view()
    const ctx = cleared(this.#base, view)
    if (ctx) paint(ctx, this.#picture.lines, view)
    this.#paintTop()
  }

  #paintTop(): void {
    if (!this.#u || !this.#picture) return
    const line = this.#picture.lines.find((one) => one.curve.run === this.#highlighted)
    this.#base.classList.toggle('dim', line !== undefined && this.#picture.lines.length > 1)
    const view = this.#view()
    const ctx = cleared(this.#top, view)
    if (!ctx) return
    if (line && this.#picture.lines.length > 1) paint(ctx, [line], view)
    if (!this.#spot) return
    for (const hit of this.hits(this.#spot)) {
      if (line ? hit.line !== line : this.#picture.lines.length > 6) continue
      ctx.fillStyle = hit.line.colour
      ctx.beginPath()
      dot(ctx, hit.left, hit.top, 3.5)
      ctx.fill()
    }
  }

  #moved(u: uPlot): void {
    const { left = -1, top = -1 } = u.cursor
    this.#spot = left >= 0 ? { left, top } : undefined
    this.#paintTop()
    this.listener.moved(this.#spot, this.#inside)
  }

  #selected(u: uPlot): void {
    const { left, width } = u.select
    if (width < 4) return
    const range: Range = [u.posToVal(left, 'x'), u.posToVal(left + width, 'x')]
    u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false)
    this.listener.zoomed(range)
  }

  #options({ axis, logX, logY }: Picture, width: number, height: number): uPlot.Options {
    const style = getComputedStyle(this.root)
    const ink = () => style.color
    const line = () => style.borderTopColor
    const font = `11px ${style.fontFamily}`
    const own: uPlot.Range.Function = (_, min, max) => [min, max]
    const grid = { stroke: line, width: 1 }
    return {
      width,
      height,
      padding: [8, 12, 0, 0],
      legend: { show: false },
      scales: {
        x: { time: axis === 'time', auto: false, range: own, distr: logX ? 3 : 1 },
        y: { auto: false, range: own, distr: logY ? 3 : 1 },
      },
      ms: 1,
      series: [{}, { paths: () => null, points: { show: false } }],
      axes: [
        {
          stroke: ink, font, grid, ticks: { show: false }, gap: 4, size: axis === 'time' ? 38 : 24,
          space: axis === 'time' ? 64 : 56, values: (_, list) => labels(list, axis),
          ...(axis === 'relative' && !logX ? { incrs: LENGTHS } : {}),
        },
        {
          stroke: ink, font, grid, ticks: { show: false }, gap: 4, space: 28,
          ...(logY ? {} : { splits: (u, _, min, max) => splits(min, max, Math.max(2, (u.height - 40) / 30)) }),
          values: (_, list) => list.map((value) => (value === null ? '' : tick(value))),
          size: (u, values) => widest(u, values, font),
        },
      ],
      cursor: {
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        sync: { key: this.sync, scales: ['x', null] },
        bind: { dblclick: () => () => (this.listener.reset(), null) },
      },
      hooks: {
        draw: [() => this.#paintBase()],
        setCursor: [(u) => this.#moved(u)],
        setSelect: [(u) => this.#selected(u)],
      },
    }
  }
}

/** uPlot wants points to have a range; ours are drawn by us. */
function data({ x }: Picture): uPlot.AlignedData {
  return [[x[0], x[1]], [null, null]]
}

function labels(list: readonly (number | null)[], axis: Axis): string[] {
  if (axis === 'time') return timeTicks(list.map((value) => value ?? 0))
  return list.map((value) => (value === null ? '' : axis === 'relative' ? lengthTick(value) : tick(value)))
}

function widest(u: uPlot, values: readonly string[] | null, font: string): number {
  if (!values) return 40
  u.ctx.save()
  u.ctx.font = font
  const width = Math.max(...values.map((text) => u.ctx.measureText(text).width), 18)
  u.ctx.restore()
  return Math.ceil(width) + 12
}

/** The share of a range that lies before a value. */
function position([min, max]: Range, log: boolean): (value: number) => number {
  if (!log) return (value) => (value - min) / (max - min)
  const [from, to] = [Math.log(min), Math.log(max)]
  return (value) => (value > 0 ? (Math.log(value) - from) / (to - from) : NaN)
}

function nearestOnPlane({ curve, values }: Line, view: View, left: number, top: number): number {
  let best = -1
  let least = Infinity
  curve.x.forEach((x, i) => {
    const far = Math.hypot(view.x(x) - left, view.y(values[i] ?? NaN) - top)
    if (far < least) [best, least] = [i, far]
  })
  return best
}

function layer(): HTMLCanvasElement {
  const canvas = document.createElement('canvas')
  canvas.className = 'layer'
  return canvas
}

function cleared(canvas: HTMLCanvasElement, { width, height }: View): CanvasRenderingContext2D | null {
  const ratio = devicePixelRatio
  canvas.width = Math.round(width * ratio)
  canvas.height = Math.round(height * ratio)
  const ctx = canvas.getContext('2d')
  ctx?.scale(ratio, ratio)
  return ctx
}
