"""Thread counts are chosen without a trace."""

import threading

import torch

from nblandscape.threads import best_thread_count, thread_count


def in_a_thread(run):
    results = []
    thread = threading.Thread(target=lambda: results.append(run()))
    thread.start()
    thread.join()
    return results[0]


def test_p50_the_users_thread_count_is_as_before_here_there_and_in_threads_to_come():
    with thread_count(3):
        assert torch.get_num_threads() == 3

        def work():
            before = torch.get_num_threads()
            with thread_count(2):
                inside = torch.get_num_threads()
            return before, inside, torch.get_num_threads()

        assert in_a_thread(work) == (3, 2, 3)
        assert torch.get_num_threads() == 3  # the thread that did not ask
        assert in_a_thread(torch.get_num_threads) == 3  # one that starts afterwards
        x = torch.randn(64, 64)
        assert best_thread_count(lambda: x @ x) in (1, 3)
        assert torch.get_num_threads() == 3
        assert in_a_thread(torch.get_num_threads) == 3


def test_an_error_puts_it_back_too():
    before = torch.get_num_threads()
    try:
        with thread_count(before + 1):
            raise RuntimeError
    except RuntimeError:
        assert torch.get_num_threads() == before
