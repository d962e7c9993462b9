"""OpenAI's SDK and Agents SDK for Python, as pip has them today."""

import asyncio
import os

os.environ["OPENAI_API_KEY"] = "demo"
os.environ["OPENAI_BASE_URL"] = os.environ["CLIENTS_URL"]
os.environ["OPENAI_AGENTS_DISABLE_TRACING"] = "1"

from agents import Agent, Runner, SQLiteSession, function_tool  # noqa: E402
from openai import OpenAI  # noqa: E402
from pydantic import BaseModel  # noqa: E402

LOOK_TWICE = (
    'Weather? [[call get_weather {"city":"Paris"}]] [[then]] '
    '[[call get_weather {"city":"Rome"}]] [[then]] [[say both sunny]] [[think always]]'
)


class Person(BaseModel):
    name: str


@function_tool
def get_weather(city: str) -> str:
    """The weather in a city."""
    return f"sunny in {city}"


def sdk(model: str) -> None:
    client = OpenAI()
    response = client.responses.create(model=model, input="x [[say hello]]")
    assert (response.status, response.output_text) == ("completed", "hello")
    with client.responses.stream(model=model, input="x [[say streamed]]") as stream:
        assert sum(1 for _ in stream) > 5
        assert stream.get_final_response().output_text == "streamed"
    assert client.responses.parse(model=model, input="As JSON. [[json]]", text_format=Person).output_parsed.name
    assert [item.type for item in client.responses.input_items.list(response.id).data] == ["message"]
    client.responses.delete(response.id)


async def agents(model: str) -> None:
    agent = Agent(name="looker", instructions="Be brief.", model=model, tools=[get_weather])
    assert (await Runner.run(agent, LOOK_TWICE)).final_output == "both sunny"
    streamed = Runner.run_streamed(agent, LOOK_TWICE)
    async for event in streamed.stream_events():
        assert event.type
    assert streamed.final_output == "both sunny"
    session = SQLiteSession(f"session of {model}")
    await Runner.run(agent, LOOK_TWICE, session=session)
    assert (await Runner.run(agent, "And? [[say still here]]", session=session)).final_output == "still here"
    first = await Runner.run(agent, "One. [[say one]]")
    second = await Runner.run(agent, "Two. [[say two]]", previous_response_id=first.last_response_id)
    assert second.final_output == "two"


async def main() -> None:
    for model in ("claude-sonnet-5-5", "nova-2-lite"):
        await asyncio.to_thread(sdk, model)
        await agents(model)


asyncio.run(main())
