"""Three servers behind a Linux router, BIRD on all of them, by the files of conf/cluster: one is
killed and comes back. scripts/cluster.sh does more of the same, and looks at the times."""
import pytest
from cluster import Cluster
from cluster_events import kill_one

RATE, LASTING = 60, 30  # few, so that what is counted does not hang on who else uses the CPUs


@pytest.mark.time_limit(60)
def test_a_killed_server_costs_the_others_nothing_and_comes_back(tmp_path):
    cluster = Cluster(tmp_path, resilient=True)
    try:
        result = kill_one(cluster, 2, rate=RATE, lasting=LASTING, before_s=1, away_s=0.5, after_s=2)
    finally:
        cluster.remove()
    assert result["others_lasting"] > result["others_lost"] == 0, result
    assert result["own_lasting"] == result["own_lost"] > 0, "it was alive until then"
    assert result["failed"] <= 1 and result["short"] > 3 * RATE, result
    assert result["accepted_after_return"] > 0, result
