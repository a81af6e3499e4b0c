// Which methods exist, by number and by name, made from protobuf descriptors: the `.proto` files are the only
// place where a method is declared. Immutable after construction, so any thread may read it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace google::protobuf {
class DescriptorPool;
class MethodDescriptor;
class FileDescriptorSet;
} // namespace google::protobuf

namespace stadion::wire {

struct method {
    std::uint16_t number = 0;
    std::string service; // "FrontEnd"
    std::string name;    // "QueryScoreByGame"
    bool streaming = false;
    const google::protobuf::MethodDescriptor* descriptor = nullptr;

    std::string full_name() const { return service + "." + name; }
};

class method_table {
public:
    // All numbered methods of the files named, which `pool` must know. Throws std::logic_error on a number
    // that is used twice: a mistake in a .proto file.
    method_table(const google::protobuf::DescriptorPool& pool, const std::vector<std::string>& files);

    const std::vector<method>& all() const noexcept { return methods_; }

    const method* find(std::uint16_t number) const noexcept;
    const method* find(std::string_view service, std::string_view name) const noexcept;

    // Methods that `text` may mean: "FrontEnd.QueryScoreByGame" or just "QueryScoreByGame"; ignores case.
    std::vector<const method*> find_by_text(std::string_view text) const;

private:
    std::vector<method> methods_;          // by number
    std::vector<const method*> by_number_; // index: number; null where there is none
};

// The methods this program was built with.
const method_table& methods();

// The files behind `methods()` and everything they import, as Introspection.Describe answers them.
google::protobuf::FileDescriptorSet describe_methods();

} // namespace stadion::wire
