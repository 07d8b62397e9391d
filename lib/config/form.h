// A form defines how a value is written, read, limited and shown. A schema lists the keys of a map,
// each with its form. The reader, the error messages and the reference are all made from this one
// declaration of a key.
#pragma once

#include <fmt/format.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "config/describe.h"
#include "config/document.h"
#include "config/error.h"
#include "config/reference.h"

namespace mayfly::config {

/// A value of the document that is being read into the settings.
struct Cursor {
  const Value& value;
  std::string path;
  Report& report;
  bool is_layer = false;  ///< the document is one layer: missing keys may be in another

  /// The value of a key or element below this one.
  Cursor below(std::string_view name, const Value& child) const {
    return {child, join_key(path, name), report, is_layer};
  }
  /// Reports an error at this value.
  void fail(std::string what, std::string hint) const {
    report.add(value.place, path, std::move(what), std::move(hint));
  }
  /// True if the value is of this kind; otherwise reports an error.
  bool expect(Value::Kind kind, const std::string& hint) const {
    if (value.kind == kind) return true;
    if (value.kind == Value::Kind::null) {
      fail("has no value", hint);
    } else {
      fail(fmt::format("must be {}, is {}", kind_name(kind), kind_name(value.kind)), hint);
    }
    return false;
  }
};

/// How values of type V are written.
template <class V>
struct Form {
  std::string type;   ///< "duration"
  std::string range;  ///< "0 or 1ms..10min"; empty = all values of the type
  std::function<void(const Cursor&, V&)> read;  ///< leaves V as it is on an error
  std::function<std::string(const V&)> show;    ///< as it can be written in YAML
  /// Maps and lists of maps: adds the keys below `path`; V is the default value.
  std::function<void(const V&, const std::string& path, std::vector<KeyReference>&)> list_keys{};

  /// Maps and lists of maps: adds the keys below `path` with their values. Other forms use `show`.
  std::function<void(const V&, const std::string& path, std::vector<KeyValue>&)> describe{};

  /// The hint of error messages.
  std::string hint() const { return range.empty() ? type : type + ": " + range; }
};

/// One word or line of text, given its parser.
template <class V>
Form<V> scalar(std::string type, std::string range,
               std::function<Result<V>(std::string_view)> parse,
               std::function<std::string(const V&)> show) {
  Form<V> form{std::move(type), std::move(range), {}, std::move(show)};
  form.read = [parse = std::move(parse), hint = form.hint()](const Cursor& at, V& target) {
    if (!at.expect(Value::Kind::scalar, hint)) return;
    Result<V> value = parse(at.value.text);
    if (value) {
      target = *std::move(value);
    } else {
      at.fail(value.error().what, hint);
    }
  };
  return form;
}

/// The same for a setting that may be absent.
template <class V>
Form<std::optional<V>> maybe(Form<V> form) {
  const auto read = [inner = form.read](const Cursor& at, std::optional<V>& target) {
    V value{};
    inner(at, value);
    target = std::move(value);
  };
  const auto show = [inner = form.show](const std::optional<V>& value) {
    return value ? inner(*value) : std::string("none");
  };
  return {form.type, form.range, read, show};
}

/// A layer of a map: others are laid over or under it, so none of its keys is required. `keys`
/// names the keys that it can have; the reference does not list them again.
template <class V>
Form<V> layer(Form<V> whole, std::string keys) {
  Form<V> form{.type = "map", .range = std::move(keys)};
  form.read = [read = std::move(whole.read)](const Cursor& at, V& target) {
    read(Cursor{at.value, at.path, at.report, true}, target);
  };
  form.show = [](const V&) { return std::string("none"); };
  return form;
}

/// A name of a key; `required("x")` makes its absence an error.
struct KeyName {
  std::string text;
  bool is_required = false;
  KeyName(const char* name) : text(name) {}
};
inline KeyName required(const char* name) {
  KeyName key(name);
  key.is_required = true;
  return key;
}

/// A key of a map that fills a T.
template <class T>
struct Key {
  KeyName name;
  std::string hint;
  std::function<void(const Cursor&, T&)> read;
  std::function<void(const T& defaults, const std::string& path, std::vector<KeyReference>&)>
      list_keys;
  std::function<void(const T&, const std::string& path, std::vector<KeyValue>&)> describe;

  /// `projection` (mostly a member pointer) gives the target of the form within a T. The mutability
  /// of a map is that of all keys below it, unless their own rows have one.
  template <class Projection, class V>
  Key(KeyName key_name, Projection projection, Form<V> key_form, std::string help,
      Mutability mutability = Mutability::restart)
      : name(std::move(key_name)), hint(key_form.hint()) {
    const auto form = std::make_shared<const Form<V>>(std::move(key_form));
    read = [projection, form](const Cursor& at, T& target) {
      form->read(at, std::invoke(projection, target));
    };
    list_keys = [projection, form, help, mutability, key = name](
                    const T& defaults, const std::string& path, std::vector<KeyReference>& keys) {
      const V& value = std::invoke(projection, defaults);
      const std::string full = join_key(path, key.text);
      // A map has no row of its own, only those of its keys.
      if (form->show) {
        keys.push_back({full, form->type, form->range,
                        key.is_required ? "required" : form->show(value), help, mutability});
      }
      if (!form->list_keys) return;
      const std::size_t first_below = keys.size();
      form->list_keys(value, full, keys);
      for (std::size_t i = first_below; i < keys.size(); ++i)
        if (keys[i].mutability == Mutability::restart) keys[i].mutability = mutability;
    };
    describe = [projection, form, key = name](const T& owner, const std::string& path,
                                              std::vector<KeyValue>& values) {
      const V& value = std::invoke(projection, owner);
      const std::string full = join_key(path, key.text);
      if (form->describe) return form->describe(value, full, values);
      values.push_back({full, form->show(value)});
    };
  }

  /// Makes a key of a part of T a key of T.
  template <class Projection, class Part>
  static Key lift(Projection projection, const Key<Part>& part_key) {
    const auto part = std::make_shared<const Key<Part>>(part_key);
    Key key(part->name);
    key.hint = part->hint;
    key.read = [projection, part](const Cursor& at, T& target) {
      part->read(at, std::invoke(projection, target));
    };
    key.list_keys = [projection, part](const T& defaults, const std::string& path,
                                       std::vector<KeyReference>& keys) {
      part->list_keys(std::invoke(projection, defaults), path, keys);
    };
    key.describe = [projection, part](const T& owner, const std::string& path,
                                      std::vector<KeyValue>& values) {
      part->describe(std::invoke(projection, owner), path, values);
    };
    return key;
  }

 private:
  explicit Key(KeyName key_name) : name(std::move(key_name)) {}
};

template <class T>
using Schema = std::vector<Key<T>>;

/// The keys of a part of T (or of its base) as keys of T, for use in one map with others.
template <class T, class Projection, class Part>
Schema<T> within(Projection projection, const Schema<Part>& part) {
  Schema<T> schema;
  for (const Key<Part>& key : part) schema.push_back(Key<T>::lift(projection, key));
  return schema;
}

template <class T>
Schema<T> operator+(Schema<T> schema, const Schema<T>& more) {
  schema.insert(schema.end(), more.begin(), more.end());
  return schema;
}

/// The part of a Key that check_names uses.
struct KnownKey {
  KeyName name;
  std::string hint;
};

/// Reports errors in the names of a map's keys: unknown, given twice, or missing.
void check_names(const Cursor& at, const std::vector<KnownKey>& known);

/// A map with the keys of `schema`. A missing value is an empty map, as all keys may be commented
/// out.
template <class T>
Form<T> map(Schema<T> keys_of_map) {
  const auto schema = std::make_shared<const Schema<T>>(std::move(keys_of_map));
  std::vector<KnownKey> known;
  for (const Key<T>& key : *schema) known.push_back({key.name, key.hint});
  Form<T> form{.type = "map"};
  form.list_keys = [schema](const T& defaults, const std::string& path,
                            std::vector<KeyReference>& keys) {
    for (const Key<T>& key : *schema) key.list_keys(defaults, path, keys);
  };
  form.describe = [schema](const T& value, const std::string& path, std::vector<KeyValue>& values) {
    for (const Key<T>& key : *schema) key.describe(value, path, values);
  };
  form.read = [schema, known](const Cursor& at, T& target) {
    if (at.value.kind != Value::Kind::null && !at.expect(Value::Kind::map, "key: value")) return;
    check_names(at, known);
    for (const Key<T>& key : *schema) {
      if (const Value* value = find(at.value, key.name.text)) {
        key.read(at.below(key.name.text, *value), target);
      }
    }
  };
  return form;
}

/// A list of `least` to `most` elements. An element with an error keeps its default value, so that
/// the others keep their index.
template <class V>
Form<std::vector<V>> list(Form<V> element_form, std::size_t least, std::size_t most) {
  const auto element = std::make_shared<const Form<V>>(std::move(element_form));
  Form<std::vector<V>> form{.type = "list of " + element->type, .range = element->range};
  form.read = [element, least, most, hint = form.hint()](const Cursor& at, std::vector<V>& target) {
    if (!at.expect(Value::Kind::list, hint)) return;
    const std::size_t size = at.value.items.size();
    if (size < least) at.fail("is empty", hint);
    if (size > most) return at.fail(fmt::format("has more than {} elements", most), hint);
    target.assign(size, V{});
    for (std::size_t i = 0; i < size; ++i) {
      element->read(at.below(std::to_string(i), at.value.items[i]), target[i]);
    }
  };
  form.show = [element](const std::vector<V>& values) {
    std::string text;
    for (const V& value : values) {
      text += (text.empty() ? "" : ", ") + (element->show ? element->show(value) : "...");
    }
    return text.empty() ? std::string("none") : "[" + text + "]";
  };
  if (element->list_keys) {
    form.list_keys = [element](const std::vector<V>&, const std::string& path,
                               std::vector<KeyReference>& keys) {
      element->list_keys(V{}, path + ".N", keys);
    };
  }
  if (element->describe) {
    form.describe = [element](const std::vector<V>& elements, const std::string& path,
                              std::vector<KeyValue>& values) {
      for (std::size_t i = 0; i < elements.size(); ++i)
        element->describe(elements[i], join_key(path, std::to_string(i)), values);
    };
  }
  return form;
}

}  // namespace mayfly::config
