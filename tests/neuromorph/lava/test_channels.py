"""The channels keep the promises of a bounded queue between two processes."""

import importlib.util
import multiprocessing
import threading
import time

import numpy as np
import pytest

if importlib.util.find_spec("lava") is None:
    pytest.skip("lava-nc is not installed", allow_module_level=True)

from neuromorph.lava.channels import DirectChannel, Selector
from neuromorph.lava.runtime import Messages


def channel(size: int = 2, shape: tuple[int, ...] = (3,), dtype: type = np.int32) -> DirectChannel:
    infrastructure = Messages()
    infrastructure.start()
    return DirectChannel(infrastructure, "from", "to", shape, dtype, size)


def ends(*given, **named):
    made = channel(*given, **named)
    made.src_port.start()
    made.dst_port.start()
    return made.src_port, made.dst_port


def test_messages_come_in_order_whatever_the_number_of_places():
    for size in (1, 2, 5):
        send, recv = ends(size)
        came = []
        for k in range(12):
            send.send(np.full(3, k, np.int32))
            if k % size == size - 1 or k == 11:
                came += [recv.recv().tolist() for _ in range(k % size + 1)]
        assert came == [[k] * 3 for k in range(12)]


def test_probe_says_whether_a_call_would_block():
    send, recv = ends(2)
    assert send.probe() and not recv.probe()
    for k in range(2):
        send.send(np.full(3, k, np.int32))
    assert not send.probe() and recv.probe() and recv.probe()
    assert recv.peek().tolist() == recv.recv().tolist() == [0, 0, 0]
    assert send.probe() and send.probe()
    assert recv.recv().tolist() == [1, 1, 1] and not recv.probe()


def test_a_full_channel_blocks_until_a_place_is_free():
    send, recv = ends(1, shape=(1,))
    late = threading.Thread(target=lambda: [send.send(np.array([k], np.int32)) for k in range(3)])
    late.start()
    time.sleep(0.05)
    assert late.is_alive()
    assert [int(recv.recv()[0]) for _ in range(3)] == [0, 1, 2]
    late.join(5)
    assert not late.is_alive()


def test_a_message_is_a_copy_on_both_sides():
    send, recv = ends(1)
    sent = np.arange(3, dtype=np.int32)
    send.send(sent)
    sent[:] = 9
    came = recv.recv()
    send.send(sent)
    assert came.tolist() == [0, 1, 2]


def test_another_shape_is_refused_and_another_type_becomes_that_of_the_channel():
    send, recv = ends(1)
    with pytest.raises(ValueError, match=r"carries \(3,\), got \(2,\)"):
        send.send(np.zeros(2, np.int32))
    send.send(np.array([True, False, True]))
    assert recv.recv().dtype == np.int32


def test_two_processes_talk_in_both_directions():
    there, back = channel(2, (2, 2), np.float64), channel(1, (1,))

    def other() -> None:
        there.dst_port.start()
        back.src_port.start()
        for _ in range(50):
            back.src_port.send(there.dst_port.recv().sum(keepdims=True)[0].astype(np.int32))

    process = multiprocessing.get_context("fork").Process(target=other)
    process.start()
    there.src_port.start()
    back.dst_port.start()
    sums = []
    for k in range(50):
        there.src_port.send(np.full((2, 2), k / 2))
        sums.append(int(back.dst_port.recv()[0]))
    process.join(10)
    assert process.exitcode == 0 and sums == [2 * k for k in range(50)]


def test_the_selector_answers_for_the_first_channel_that_is_ready():
    (send, one), (_, two) = ends(1), ends(1)
    send.send(np.zeros(3, np.int32))
    assert Selector().select((two, lambda: "two"), (one, lambda: "one")) == "one"
    one.recv()
    for ports in ([one], [two, one]):
        later = threading.Timer(0.05, lambda: send.send(np.ones(3, np.int32)))
        later.start()
        assert Selector().select(*((port, lambda port=port: port) for port in ports)) is one
        assert one.recv().tolist() == [1, 1, 1]
