"""Replaying a recorded tournament leaves every score right, at the database and at each front-end."""
import collections
import json
import pathlib
import unittest

from fleet import DATA, Fleet, get, run, until

DEMO = pathlib.Path(__file__).resolve().parents[2] / "tools" / "demo" / "matches.json"


def final_scores(path: pathlib.Path) -> collections.Counter:
    """How often each pair of final scores occurs: two teams may meet twice."""
    matches = json.loads(path.read_text(encoding="utf-8"))["matches"]
    return collections.Counter(
        frozenset([(match["team1"], len(match.get("goals1", []))), (match["team2"], len(match.get("goals2", [])))])
        for match in matches)


def scores_at(address: str) -> collections.Counter:
    found, token = collections.Counter(), ""
    while True:
        page = get(address, f"/v1/games?page_size=100&page_token={token}")
        found.update(frozenset(game["points"].items()) for game in page["games"])
        if not (token := page["next_page_token"]):
            return found


class ReplayTest(unittest.TestCase):
    def replay(self, path: pathlib.Path):
        if not path.exists():
            self.skipTest(f"{path.name} is not here")
        fleet = Fleet()
        self.addCleanup(fleet.clean_up)
        fleet.wait_complete()
        done = run("replay", str(path), "--dispatcher", fleet.address, "--speed", "0", seconds=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        expected = final_scores(path)
        self.assertEqual(scores_at(fleet.database), expected)
        for address in fleet.frontends:
            until(lambda: scores_at(address) == expected, f"{address} has every score")

    def test_the_demo(self):
        self.replay(DEMO)

    def test_world_cup_2022(self):
        self.replay(DATA / "worldcup-2022.json")

    def test_world_cup_2026(self):
        self.replay(DATA / "worldcup-2026.json")


if __name__ == "__main__":
    unittest.main()
