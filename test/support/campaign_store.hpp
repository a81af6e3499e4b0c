// A small store on a simulated disk, as the campaigns use it: segments of a few records, and no maintenance
// thread.
#pragma once

#include "dbserver/engine/json_store.hpp"
#include "test/support/faulty_files.hpp"
#include "test/support/store_calls.hpp"

#include <memory>
#include <utility>

namespace stadion::test {

inline constexpr const char* campaign_directory = "/data";

struct opened_store {
    std::shared_ptr<faulty_files> disk;
    std::unique_ptr<dbserver::json_store> store;
};

inline dbserver::json_store_options campaign_options(std::shared_ptr<dbserver::files> on,
                                                     const manual_clock& clock) {
    dbserver::json_store_options options;
    options.directory = campaign_directory;
    options.file_system = std::move(on);
    options.segment_bytes = 2048;
    options.key_file_bytes = 1024;
    options.segments_max = 1000;
    options.maintain = false;
    options.engine.clock = [&clock] { return clock.now(); };
    return options;
}

// Throws what opening throws.
inline opened_store open_on(simulated_disk disk, const manual_clock& clock, bool record = false) {
    opened_store opened;
    opened.disk = std::make_shared<faulty_files>(std::move(disk));
    opened.disk->record(record);
    opened.store = std::make_unique<dbserver::json_store>(campaign_options(opened.disk, clock));
    return opened;
}

} // namespace stadion::test
