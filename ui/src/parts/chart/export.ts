/** Taking charts along. */

/** Give the browser a file to save. */
export function save(blob: Blob, name: string): void {
  const link = document.createElement('a')
  link.href = URL.createObjectURL(blob)
  link.download = name.replace(/[/\\:*?"<>|]/g, '_')
  link.click()
  setTimeout(() => URL.revokeObjectURL(link.href), 1000)
}

/** Put a picture on the clipboard, or save it where there is none. Whether it is on the clipboard. */
export async function copyImage(canvas: HTMLCanvasElement, name: string): Promise<boolean> {
  const blob = await new Promise<Blob | null>((done) => canvas.toBlob(done, 'image/png'))
  if (!blob) return false
  try {
    await navigator.clipboard.write([new ClipboardItem({ 'image/png': blob })])
    return true
  } catch {
    save(blob, name)
    return false
  }
}

const MOST = 24

/** A picture of a chart with its title above and the runs' names below, in the colours of an element. */
export function withTitle(
  chart: HTMLCanvasElement,
  title: string,
  runs: readonly { name: string; colour: string }[],
  look: HTMLElement,
): HTMLCanvasElement {
  const ratio = devicePixelRatio
  const style = getComputedStyle(look)
  const canvas = document.createElement('canvas')
  const lines = runs.slice(0, MOST)
  const [head, each] = [30 * ratio, 17 * ratio]
  canvas.width = chart.width
  canvas.height = head + chart.height + (lines.length + 0.6) * each
  const ctx = canvas.getContext('2d')
  if (!ctx) return chart
  ctx.fillStyle = style.backgroundColor
  ctx.fillRect(0, 0, canvas.width, canvas.height)
  ctx.drawImage(chart, 0, head)
  ctx.fillStyle = style.color
  ctx.textBaseline = 'middle'
  ctx.font = `600 ${13 * ratio}px ${style.fontFamily}`
  ctx.fillText(title, 10 * ratio, head / 2)
  ctx.font = `${12 * ratio}px ${style.fontFamily}`
  lines.forEach((run, i) => {
    const y = head + chart.height + (i + 0.7) * each
    ctx.fillStyle = run.colour
    ctx.fillRect(10 * ratio, y - 2 * ratio, 12 * ratio, 4 * ratio)
    ctx.fillStyle = style.color
    ctx.fillText(i === MOST - 1 && runs.length > MOST ? `and ${runs.length - i} more` : run.name, 28 * ratio, y)
  })
  return canvas
}
