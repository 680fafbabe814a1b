"""What programs that ask language models do, with autologging on; see `scenarios.py`.

python tests/tracing/llm_scenarios.py tests/data/tracing-llm-golden.json
"""

from __future__ import annotations

import asyncio
import json
import sys

try:
    from tests.tracing import llm_endpoint, scenarios
except ImportError:  # run by itself
    import llm_endpoint
    import scenarios

import mlflow

URL = ""
TOOLS = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "description": "Adds",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "number"}, "b": {"type": "number"}},
                "required": ["a", "b"],
            },
        },
    }
]
ASKED = [{"role": "user", "content": "Hi"}]


def _openai(kind="OpenAI"):
    import openai

    mlflow.openai.autolog()
    return getattr(openai, kind)(api_key="x", base_url=f"{URL}/v1", max_retries=0)


def openai_chat():
    client = _openai()
    client.chat.completions.create(model="m", messages=ASKED, temperature=0.5)
    client.chat.completions.create(model="m", messages=ASKED, tools=TOOLS)


def openai_stream():
    client = _openai()
    list(client.chat.completions.create(model="m", messages=ASKED, stream=True))
    options = {"include_usage": True}
    stream = client.chat.completions.create(
        model="m", messages=ASKED, stream=True, stream_options=options
    )
    assert "".join(c.choices[0].delta.content or "" for c in stream if c.choices) == "Hello there"


def openai_other():
    client = _openai()
    client.embeddings.create(model="e", input=["a", "b"])
    client.responses.create(model="m", input="Hi", instructions="be brief")
    client.responses.create(model="m", input=ASKED)
    list(client.responses.create(model="m", input="Hi", stream=True))


def openai_async():
    client = _openai("AsyncOpenAI")

    async def go():
        await client.chat.completions.create(model="m", messages=ASKED)
        stream = await client.chat.completions.create(model="m", messages=ASKED, stream=True)
        return [chunk async for chunk in stream]

    assert len(asyncio.run(go())) == 4


def openai_error():
    import openai

    client = _openai()
    try:
        client.chat.completions.create(model="fail", messages=ASKED)
    except openai.BadRequestError as error:
        print("raised", error.status_code)


def openai_nested():
    client = _openai()

    @mlflow.trace
    def answer(question):
        asked = [{"role": "user", "content": question}]
        return client.chat.completions.create(model="m", messages=asked).choices[0].message.content

    answer("What?")


def openai_off():
    client = _openai()
    mlflow.openai.autolog(log_traces=False)
    client.chat.completions.create(model="m", messages=ASKED)
    mlflow.openai.autolog(disable=True)
    client.chat.completions.create(model="m", messages=ASKED)


def _anthropic(kind="Anthropic"):
    import anthropic

    mlflow.anthropic.autolog()
    return getattr(anthropic, kind)(api_key="x", base_url=URL, max_retries=0)


def anthropic_chat():
    client = _anthropic()
    client.messages.create(model="m", max_tokens=10, messages=ASKED, system="be brief")
    tool = TOOLS[0]["function"]
    spec = {
        "name": "add",
        "description": tool["description"],
        "input_schema": tool["parameters"],
    }
    client.messages.create(model="m", max_tokens=10, messages=ASKED, tools=[spec])


def anthropic_async():
    client = _anthropic("AsyncAnthropic")
    asyncio.run(client.messages.create(model="m", max_tokens=10, messages=ASKED))


def anthropic_error():
    import anthropic

    client = _anthropic()
    try:
        client.messages.create(model="fail", max_tokens=10, messages=ASKED)
    except anthropic.BadRequestError as error:
        print("raised", error.status_code)


def _chat_model(**more):
    from langchain_openai import ChatOpenAI

    mlflow.langchain.autolog()
    return ChatOpenAI(
        model=more.pop("model", "m"), api_key="x", base_url=f"{URL}/v1", max_retries=0, **more
    )


def langchain_model():
    model = _chat_model(temperature=0.5)
    model.invoke("Hi")
    list(model.stream([("system", "be brief"), ("human", "Hi")]))
    asyncio.run(model.ainvoke("Hi"))


def langchain_chain():
    from langchain_core.output_parsers import StrOutputParser
    from langchain_core.prompts import ChatPromptTemplate

    prompt = ChatPromptTemplate.from_messages([("system", "be {how}"), ("human", "{question}")])
    chain = prompt | _chat_model() | StrOutputParser()
    assert chain.invoke({"how": "brief", "question": "Hi"}) == "Hello there"
    chain.batch([{"how": "x", "question": "1"}])


def langchain_tools():
    from langchain_core.tools import tool

    @tool
    def add(a: int, b: int) -> int:
        """Adds"""
        return a + b

    model = _chat_model().bind_tools([add])
    message = model.invoke("Hi")
    assert message.tool_calls[0]["name"] == "add"
    add.invoke({"a": 1, "b": 2})


def langchain_error():
    import openai

    try:
        _chat_model(model="fail").invoke("Hi")
    except openai.BadRequestError as error:
        print("raised", error.status_code)


def langchain_retriever():
    from langchain_core.documents import Document
    from langchain_core.retrievers import BaseRetriever

    class Fixed(BaseRetriever):
        def _get_relevant_documents(self, query, *, run_manager):
            return [Document(page_content="text", metadata={"a": 1}, id="d1")]

    mlflow.langchain.autolog()
    Fixed().invoke("Hi")


def langgraph():
    from typing import Annotated, TypedDict

    from langgraph.graph import END, START, StateGraph
    from langgraph.graph.message import add_messages

    State = TypedDict("State", {"messages": Annotated[list, add_messages]})  # noqa: UP013
    model = _chat_model()
    graph = StateGraph(State)
    graph.add_node("ask", lambda state: {"messages": [model.invoke(state["messages"])]})
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    graph.compile().invoke({"messages": [("human", "Hi")]}, {"configurable": {"thread_id": "t1"}})


SCENARIOS = [
    openai_chat,
    openai_stream,
    openai_other,
    openai_async,
    openai_error,
    openai_nested,
    openai_off,
    anthropic_chat,
    anthropic_async,
    anthropic_error,
    langchain_model,
    langchain_chain,
    langchain_tools,
    langchain_error,
    langchain_retriever,
    langgraph,
]


def run_all(names):
    """See `scenarios.run_all`."""
    global URL
    with llm_endpoint.serve() as URL:
        return scenarios.run_all(names, SCENARIOS)


if __name__ == "__main__":
    with open(sys.argv[1], "w", encoding="utf-8") as out:
        json.dump(run_all(sys.argv[2:]), out, indent=1, sort_keys=True)
        out.write("\n")
