"""Thread counts are chosen without a trace."""

import threading

import pytest
import torch

from nblandscape.threads import in_steps, thread_count, thread_times


@pytest.fixture
def three():
    """The user sets three threads."""
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


def in_a_thread(run):
    results = []
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    return results[0]


def test_p50_the_users_thread_count_is_as_before_here_there_and_in_threads_to_come(three):
    def work():
        before = torch.get_num_threads()
        with thread_count(2):
            inside, started_inside = torch.get_num_threads(), in_a_thread(torch.get_num_threads)
        return before, inside, started_inside, torch.get_num_threads()

    assert in_a_thread(work) == (3, 2, 3, 3)
    assert torch.get_num_threads() == 3  # the thread that did not ask
    assert in_a_thread(torch.get_num_threads) == 3  # one that starts afterwards
    x = torch.randn(64, 64)
    assert sorted(thread_times(lambda: x @ x)) == [1, 3]
    assert torch.get_num_threads() == 3
    assert in_a_thread(torch.get_num_threads) == 3


def test_an_error_puts_it_back_too():
    before = torch.get_num_threads()
    try:
        with thread_count(before + 1):
            raise RuntimeError
    except RuntimeError:
        assert torch.get_num_threads() == before


def test_what_the_user_sets_meanwhile_stays_for_threads_to_come(three):
    inside, go_on = threading.Event(), threading.Event()

    def work():
        with thread_count(1):
            inside.set()
            go_on.wait()

    worker = threading.Thread(target=work)
    worker.start()
    inside.wait()
    torch.set_num_threads(2)
    go_on.set()
    worker.join()
    assert torch.get_num_threads() == 2
    assert in_a_thread(torch.get_num_threads) == 2


def test_steps_have_their_number_and_what_is_between_them_the_users():
    closed = []

    def steps():
        try:
            yield torch.get_num_threads()
            yield torch.get_num_threads()
            return "end"
        finally:
            closed.append(torch.get_num_threads())

    with thread_count(3):
        run = in_steps(steps(), 2)
        assert next(run) == 2
        assert torch.get_num_threads() == 3
        assert next(run) == 2
        with pytest.raises(StopIteration, match="end"):
            next(run)
        assert torch.get_num_threads() == 3
        run = in_steps(steps(), 2)
        next(run)
        run.close()
        assert len(closed) == 2
