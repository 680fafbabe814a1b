/** Markdown to HTML that is safe to show: no markup of the author's own, links only to the web or within. */
import { micromark } from 'micromark'
import { gfm, gfmHtml } from 'micromark-extension-gfm'

export function html(text: string): string {
  const made = micromark(text, { extensions: [gfm()], htmlExtensions: [gfmHtml()] })
  const page = new DOMParser().parseFromString(made, 'text/html')
  for (const link of page.querySelectorAll('a')) {
    link.rel = 'noopener noreferrer'
    if (/^https?:/i.test(link.getAttribute('href') ?? '')) link.target = '_blank'
  }
  for (const image of page.querySelectorAll('img')) {
    // Nothing is loaded from another origin: who reads a note must not be seen by its author.
    if (/^data:image\//i.test(image.getAttribute('src') ?? '')) continue
    const link = page.createElement('a')
    const to = image.getAttribute('src') ?? ''
    link.textContent = image.alt || to
    if (/^https?:/i.test(to)) link.href = to
    link.rel = 'noopener noreferrer'
    link.target = '_blank'
    image.replaceWith(link)
  }
  for (const box of page.querySelectorAll('input')) box.setAttribute('aria-label', 'Task')
  return page.body.innerHTML
}
