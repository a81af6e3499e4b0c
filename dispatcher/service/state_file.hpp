// dispatcher.json on disk, and the lock that keeps a second dispatcher off its folder. persistent_state.hpp
// has the content.
//
// Threading: one owner.
#pragma once

#include "dispatcher/core/persistent_state.hpp"
#include "net/os/small_file.hpp"

#include <filesystem>

namespace stadion::dispatcher {

class state_file {
public:
    // Makes the folder if there is none. FAILED_PRECONDITION if another dispatcher has it, DATA_LOSS if the
    // file is damaged.
    static wire::result<state_file> open(const std::filesystem::path& folder);

    const persistent_state& content() const noexcept { return content_; }

    // Durable when it returns without an error; otherwise the content is what it was.
    wire::result<void> change(persistent_state next);

private:
    state_file(net::file_lock lock, std::filesystem::path path, persistent_state content)
        : lock_(std::move(lock)), path_(std::move(path)), content_(std::move(content)) {}

    net::file_lock lock_;
    std::filesystem::path path_;
    persistent_state content_;
};

} // namespace stadion::dispatcher
