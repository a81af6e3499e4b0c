#include "wire/method_table.hpp"

#include "wire/proto/board.pb.h"
#include "wire/proto/database.pb.h"
#include "wire/proto/dispatcher.pb.h"
#include "wire/proto/frontend.pb.h"
#include "wire/proto/handshake.pb.h"
#include "wire/proto/introspection.pb.h"
#include "wire/proto/options.pb.h"
#include "wire/proto/peer.pb.h"

#include <google/protobuf/descriptor.pb.h>
#include <google/protobuf/dynamic_message.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <strings.h>

namespace stadion::wire {
namespace pb = google::protobuf;
namespace {

// A descriptor pool that was filled from the wire does not know our extension as a C++ type, so the number is
// read from the unknown or dynamic field by its tag.
std::uint16_t number_of(const pb::MethodDescriptor& descriptor) {
    v1::Hello::descriptor(); // makes sure the generated pool is initialised
    pb::MethodOptions options;
    options.ParseFromString(descriptor.options().SerializeAsString());
    return static_cast<std::uint16_t>(options.GetExtension(v1::method));
}

const std::vector<std::string>& own_files() {
    static const std::vector<std::string> files = [] {
        std::vector<std::string> names;
        for (const auto* file :
             {v1::Hello::descriptor()->file(), v1::DescribeRequest::descriptor()->file(),
              v1::AssignRequest::descriptor()->file(), v1::RegisterClientRequest::descriptor()->file(),
              v1::WatchRequest::descriptor()->file(), v1::OrderRequest::descriptor()->file(),
              v1::Post::descriptor()->file(), v1::Question::descriptor()->file(),
              v1::Draw::descriptor()->file()})
            names.push_back(file->name());
        return names;
    }();
    return files;
}

void add_with_imports(const pb::FileDescriptor& file, std::set<std::string>& seen,
                      pb::FileDescriptorSet& out) {
    if (!seen.insert(file.name()).second) return;
    for (int i = 0; i < file.dependency_count(); ++i) add_with_imports(*file.dependency(i), seen, out);
    file.CopyTo(out.add_file());
}

bool equal_ignoring_case(std::string_view a, std::string_view b) {
    return a.size() == b.size() && ::strncasecmp(a.data(), b.data(), a.size()) == 0;
}

} // namespace

method_table::method_table(const pb::DescriptorPool& pool, const std::vector<std::string>& files) {
    for (const auto& name : files) {
        const auto* file = pool.FindFileByName(name);
        if (file == nullptr) throw std::logic_error("no such proto file: " + name);
        for (int s = 0; s < file->service_count(); ++s) {
            const auto* service = file->service(s);
            for (int m = 0; m < service->method_count(); ++m) {
                const auto* descriptor = service->method(m);
                const auto number = number_of(*descriptor);
                if (number == 0) continue;
                methods_.push_back({number, service->name(), descriptor->name(),
                                    descriptor->server_streaming(), descriptor});
            }
        }
    }
    std::sort(methods_.begin(), methods_.end(),
              [](const method& a, const method& b) { return a.number < b.number; });
    if (!methods_.empty()) by_number_.resize(methods_.back().number + 1U);
    for (const auto& entry : methods_) {
        if (by_number_[entry.number] != nullptr)
            throw std::logic_error("method number used twice: " + entry.full_name());
        by_number_[entry.number] = &entry;
    }
}

const method* method_table::find(std::uint16_t number) const noexcept {
    return number < by_number_.size() ? by_number_[number] : nullptr;
}

const method* method_table::find(std::string_view service, std::string_view name) const noexcept {
    const auto found = std::find_if(methods_.begin(), methods_.end(), [&](const method& entry) {
        return entry.service == service && entry.name == name;
    });
    return found == methods_.end() ? nullptr : &*found;
}

std::vector<const method*> method_table::find_by_text(std::string_view text) const {
    std::vector<const method*> found;
    for (const auto& entry : methods_)
        if (equal_ignoring_case(text, entry.name) || equal_ignoring_case(text, entry.full_name()))
            found.push_back(&entry);
    return found;
}

const method_table& methods() {
    static const method_table table(*pb::DescriptorPool::generated_pool(), own_files());
    return table;
}

pb::FileDescriptorSet describe_methods() {
    pb::FileDescriptorSet out;
    std::set<std::string> seen;
    for (const auto& name : own_files())
        add_with_imports(*pb::DescriptorPool::generated_pool()->FindFileByName(name), seen, out);
    return out;
}

} // namespace stadion::wire
