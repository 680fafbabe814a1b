import { expect, test } from 'vitest'
import { askModel, loadModel, py, serveModel, sh } from './snippets'

test('texts are literals', () => {
  expect(py('a"b\\\n')).toBe('"a\\"b\\\\\\n"')
  expect(sh('models:/m-1')).toBe('models:/m-1')
  expect(sh(`a'; rm -rf /`)).toBe(`'a'\\''; rm -rf /'`)
})

test('whole snippets', () => {
  expect(loadModel('http://x:1', 'models:/m-1')).toContain('mlflow.pyfunc.load_model("models:/m-1")')
  expect(serveModel('http://x:1', 'runs:/r/a b')).toContain("--model-uri 'runs:/r/a b'")
  expect(askModel('{"inputs": [1]}')).toContain(`-d '{"inputs": [1]}'`)
})
