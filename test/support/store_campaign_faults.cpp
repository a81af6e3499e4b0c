// The guarantees when a call fails, and when a byte changes.
#include "test/support/counted_life.hpp"
#include "test/support/store_campaign.hpp"

#include "dbserver/journal/damage.hpp"

namespace stadion::test {
namespace {

using namespace dbserver;

const char* name_of(fault how) {
    switch (how) {
    case fault::none:
        return "nothing";
    case fault::input_output_error:
        return "EIO";
    case fault::no_space:
        return "ENOSPC";
    case fault::short_write:
        return "a short write";
    case fault::torn_write:
        return "EIO in the middle of a write";
    }
    return "?";
}

void try_one_failure(std::uint64_t seed, std::uint64_t call, fault how, bool lasting,
                     campaign_figures& figures) {
    manual_clock clock;
    auto disk = std::make_shared<faulty_files>();
    disk->fail_call(call, how, lasting);
    counted_life lived(seed, disk, clock);
    lived.run();
    disk->lift_fault();
    ++figures.failed_calls;
    std::mt19937 random(static_cast<std::uint32_t>(seed + call));
    const auto check = [&](const char* then, simulated_disk found, bool reads_first = false) {
        std::string wrong;
        try {
            if (reads_first) {
                // What a process reads must survive a later crash, even if it was only in the page cache.
                opened_store reader = open_on(std::move(found), clock);
                found = reader.disk->disk().crashed(crash_style::drop_all, random);
                wrong = lived.check_read(*reader.store, found);
            }
            if (wrong.empty()) wrong = lived.check(std::move(found));
        } catch (const std::exception& refused) {
            wrong = std::string("opening refused: ") + refused.what();
        }
        if (!wrong.empty())
            figures.broken(seed, "call " + std::to_string(call) + (lasting ? " and all after it" : "") +
                                     " failed with " + name_of(how) + ", then " + then + ": " + wrong);
    };
    check("a new process", disk->disk());
    check("a new process and a crash", disk->disk(), true);
    check("a crash", disk->disk().crashed(crash_style::random, random));
    check("a crash that loses all it can", disk->disk().crashed(crash_style::drop_all, random));
}

// The fault is lifted and the workload continues. Then the power fails at some of its changes.
void crash_after_fault(std::uint64_t seed, bool maintained, const faulty_files& whole,
                       campaign_figures& figures) {
    std::mt19937 random(static_cast<std::uint32_t>(seed * 7919 + maintained));
    manual_clock clock;
    auto disk = std::make_shared<faulty_files>();
    disk->record(true);
    // Calls about names are few but decisive, so half of the faults hit them.
    const auto about_names = whole.calls_about_names();
    const bool is_about_names = random() % 2 == 0;
    const std::uint64_t call =
        is_about_names ? about_names[random() % about_names.size()] : random() % whole.calls();
    const fault how = every_fault[random() % std::size(every_fault)];
    const bool lasting = random() % 3 == 0;
    disk->fail_call(call, how, lasting);
    counted_life lived(seed, disk, clock, maintained);
    lived.lift_fault_at(lasting ? random() % counted_life::actions : counted_life::actions);
    ++figures.failed_calls;
    if (!lived.run()) return;
    const auto trace = disk->trace();
    simulated_disk now;
    for (std::size_t point = 0; point <= trace.size() && figures.broken_promises == 0; ++point) {
        if (point > 0) now.apply(trace[point - 1]);
        if (random() % 4 != 0) continue;
        const auto style = static_cast<crash_style>(random() % 3);
        ++figures.crash_points;
        ++figures.crash_states;
        std::string wrong;
        try {
            wrong = lived.check(now.crashed(style, random), point);
        } catch (const std::exception& refused) {
            wrong = std::string("opening refused: ") + refused.what();
        }
        if (!wrong.empty())
            figures.broken(seed, "call " + std::to_string(call) + (lasting ? " and some after it" : "") +
                                     " failed with " + name_of(how) + (maintained ? ", maintained" : "") +
                                     ", then a crash after change " + std::to_string(point) + " of " +
                                     std::to_string(trace.size()) + ": " + wrong);
    }
}

// A disk with two checkpoints, and a journal after them.
simulated_disk a_life_on_disk(std::uint64_t seed, const manual_clock& clock, bool closed,
                              std::uint64_t& sequence) {
    std::mt19937 random(static_cast<std::uint32_t>(seed));
    opened_store opened = open_on({}, clock);
    for (int i = 0; i < 30; ++i) {
        commit_and_wait(*opened.store, add_medal("team " + std::to_string(random() % 3), "gold", 1,
                                                 "key " + std::to_string(i)));
        if (i == 8 || i == 16) opened.store->checkpoint_now();
    }
    sequence = opened.store->sequence();
    simulated_disk killed = opened.disk->disk();
    opened.store->stop();
    return closed ? opened.disk->disk() : killed;
}

} // namespace

void try_failed_calls(std::uint64_t seed, campaign_figures& figures, fault only) {
    manual_clock clock;
    auto whole = std::make_shared<faulty_files>();
    counted_life(seed, whole, clock).run();
    ++figures.workloads;
    for (std::uint64_t call = 0; call < whole->calls() && figures.broken_promises == 0; ++call)
        for (const fault how : every_fault)
            for (const bool lasting : {false, true})
                if (only == fault::none || only == how) try_one_failure(seed, call, how, lasting, figures);
}

void try_survived_faults(std::uint64_t seed, unsigned faults, campaign_figures& figures) {
    for (const bool maintained : {false, true}) {
        manual_clock clock;
        auto whole = std::make_shared<faulty_files>();
        counted_life(seed, whole, clock, maintained).run();
        ++figures.workloads;
        for (unsigned i = 0; i < faults && figures.broken_promises == 0; ++i)
            crash_after_fault(seed + i, maintained, *whole, figures);
    }
}

void try_damage(std::uint64_t seed, unsigned bytes, campaign_figures& figures) {
    manual_clock clock;
    std::uint64_t sequence = 0;
    const bool closed = seed % 2 == 0;
    const simulated_disk intact = a_life_on_disk(seed, clock, closed, sequence);
    std::mt19937 random(static_cast<std::uint32_t>(seed) + 1);
    for (unsigned i = 0; i < bytes; ++i) {
        simulated_disk hurt = intact;
        std::vector<std::pair<std::string, std::uint64_t>> candidates;
        for (const auto& [path, number] : hurt.paths())
            if (path.find("LOCK") == std::string::npos && !hurt.contents(path)->empty())
                candidates.emplace_back(path, number);
        const auto& [path, number] = candidates[random() % candidates.size()];
        std::string& contents = hurt.cached(number);
        const std::size_t at = random() % contents.size();
        const char before = contents[at];
        contents[at] = static_cast<char>(before ^ (1 + random() % 255));
        ++figures.damaged_bytes;
        // It is detected when opening refuses or warns. A later sequence means that the byte was not used.
        try {
            opened_store opened = open_on(std::move(hurt), clock);
            const bool said = !opened.store->health().warnings.empty();
            if (said || opened.store->sequence() > sequence) continue;
            if (path.ends_with("FORMAT")) continue; // the program's name in it is informative only
            ++figures.undetected_bytes;
            figures.broken(seed,
                           "byte " + std::to_string(at) + " of " + path + " was changed, and nobody noticed");
        } catch (const store_damaged&) {
        } catch (const store_unavailable&) {
        }
    }
}

} // namespace stadion::test
