from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

from webapp.common.keys import key_from_file


def test_threads_that_start_together_agree_on_one_key(tmp_path):
    together = Barrier(8)

    def make() -> str:
        together.wait(10)  # every thread has found no file by now
        return str(id(object()))

    with ThreadPoolExecutor(8) as pool:
        keys = list(pool.map(lambda _: key_from_file(str(tmp_path / "keys" / "key"), make), range(8)))

    assert len(set(keys)) == 1
    assert [path.name for path in (tmp_path / "keys").iterdir()] == ["key"]
