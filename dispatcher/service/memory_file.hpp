// dispatcher.json on disk, and the claim of one dispatcher on its folder. See memory.hpp for what is in it.
//
// Threading: one owner.
#pragma once

#include "dispatcher/core/memory.hpp"
#include "net/os/small_file.hpp"

#include <filesystem>

namespace stadion::dispatcher {

class memory_file {
public:
    // Makes the folder if it is not there. FAILED_PRECONDITION when another dispatcher has it, DATA_LOSS when
    // the file is damaged.
    static wire::result<memory_file> open(const std::filesystem::path& folder);

    const memory& content() const noexcept { return content_; }

    // Durable when it returns without an error; else the content is what it was.
    wire::result<void> change(memory next);

private:
    memory_file(net::file_lock lock, std::filesystem::path path, memory content)
        : lock_(std::move(lock)), path_(std::move(path)), content_(std::move(content)) {}

    net::file_lock lock_;
    std::filesystem::path path_;
    memory content_;
};

} // namespace stadion::dispatcher
