// @vitest-environment happy-dom
import { expect, test } from 'vitest'
import { html } from './markdown'

test('marks, tables and tasks', () => {
  expect(html('# T\n\n**b** ~~s~~\n\n|a|\n|-|\n|1|\n\n- [x] done')).toMatch(/<h1>T<\/h1>[^]*<strong>b<\/strong> <del>s<\/del>[^]*<td>1<\/td>[^]*checkbox/)
})

test('no markup, no script links and no foreign images of the author', () => {
  const made = html('<script>alert(1)</script> <img src=x onerror=alert(1)>\n\n[a](javascript:alert(1)) [d](data:text/html,x) ![i](https://elsewhere.example/x.png)')
  const page = new DOMParser().parseFromString(made, 'text/html')
  expect(page.querySelector('script, img')).toBeNull()
  for (const link of page.querySelectorAll('a')) expect(link.getAttribute('href') ?? '').not.toMatch(/^(javascript|data):/)
  expect(page.querySelector('a[href="https://elsewhere.example/x.png"]')?.textContent).toBe('i')
})

test('links to elsewhere open apart and tell nothing', () => {
  expect(html('[a](https://example.org)')).toMatch(/rel="noopener noreferrer".*target="_blank"|target="_blank".*rel="noopener noreferrer"/)
  expect(html('[a](#/models)')).not.toMatch(/target/)
})
