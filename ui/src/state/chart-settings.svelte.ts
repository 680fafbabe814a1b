/** How charts are drawn: the same for all charts of a page, and in its link. */
import { rangeFrom, rangeText, type Axis, type Range } from '../lib/series'
import { place, setQuery } from './place.svelte'

export const SIZES = ['small', 'medium', 'large'] as const
export type Size = (typeof SIZES)[number]

export const chartSettings = {
  get axis(): Axis {
    const { x = 'step' } = place.query
    return x === 'step' || x === 'time' || x === 'relative' ? x : 'metric'
  },
  /** The metric that is x, if one is. */
  get metric(): string | undefined {
    return this.axis === 'metric' ? place.query.x : undefined
  },
  /** Another x; what is zoomed into is not a range of it. */
  set x(value: string) {
    setQuery({ x: value === 'step' ? '' : value, zoom: '' })
  },
  get logX(): boolean {
    return place.query.xscale === 'log' && this.axis !== 'time'
  },
  set logX(on: boolean) {
    setQuery({ xscale: on ? 'log' : '' }, true)
  },
  get logY(): boolean {
    return place.query.y === 'log'
  },
  set logY(on: boolean) {
    setQuery({ y: on ? 'log' : '' }, true)
  },
  /** From 0 to 0.99. */
  get smooth(): number {
    const amount = Number(place.query.smooth ?? 0)
    return amount > 0 && amount < 1 ? amount : 0
  },
  set smooth(amount: number) {
    setQuery({ smooth: amount > 0 ? String(amount) : '' }, true)
  },
  get zoom(): Range | undefined {
    return rangeFrom(place.query.zoom)
  },
  set zoom(range: Range | undefined) {
    setQuery({ zoom: range && rangeText(range) })
  },
  get size(): Size {
    return SIZES.find((name) => name === place.query.size) ?? 'medium'
  },
  set size(value: Size) {
    setQuery({ size: value === 'medium' ? '' : value }, true)
  },
  /** What the names of the metrics shown have in them. */
  get find(): string {
    return place.query.find ?? ''
  },
  set find(text: string) {
    setQuery({ find: text }, true)
  },
  /** Sections that are not as they are by themselves: folded, or open. */
  get folded(): string[] {
    return (place.query.fold ?? '').split(',').filter((name) => name !== '')
  },
  toggle(section: string) {
    const now = this.folded
    const next = now.includes(section) ? now.filter((name) => name !== section) : [...now, section]
    setQuery({ fold: next.join(',') }, true)
  },
}
