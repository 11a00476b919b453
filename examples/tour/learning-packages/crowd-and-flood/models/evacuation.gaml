/**
 * The water comes and everybody leaves: people follow the nearest player to the hill.
 *
 * The practice server of Crosstie (`crosstie practice gama`) does not read this file: it plays a crowd and a flood of its own
 * under whatever name it is given. This model shows what a package holds for a real GAMA with the extension for Unity.
 */
model evacuation

global {
    /** One cycle is a second. */
    float step <- 1 #s;

    /** A place of 100 m by 100 m. */
    geometry shape <- square(100 #m);

    /** The hill in the north-east, where it is dry. */
    point hill <- {90, 10};

    /** How many have arrived. */
    int safe <- 0 update: person count (each distance_to hill < 5 #m);

    init {
        create person number: 80;
    }

    reflex all_are_safe when: safe = length(person) {
        do pause;
    }
}

/** Follows the nearest player, or waits. */
species person skills: [moving] {
    reflex follow when: not empty(unity_player) {
        unity_player leader <- unity_player closest_to self;
        point target <- self distance_to hill < 15 #m ? hill : leader.location;
        do goto target: target speed: 1.4 #m / #s;
    }

    aspect default {
        draw circle(0.6 #m) color: #gold;
    }
}

/** What players see and do: one place each, told anew in every cycle. */
species unity_linker parent: abstract_unity_linker {
    string player_species <- string(unity_player);
    int min_num_players <- 3;
    int max_num_players <- 6;
    list<point> init_locations <- [{20, 20}, {80, 20}, {20, 80}, {80, 80}, {50, 20}, {50, 80}];
    unity_property of_people;

    init {
        unity_aspect body <- geometry_aspect(0.6 #m, #gold, precision);
        of_people <- geometry_properties("person", "", body, new_geometry_interaction(false, false, false, []), false);
        unity_properties <- [of_people];
    }

    reflex show_people when: has_player {
        do add_geometries_to_send(person, of_people);
    }
}

/** A player is a point that walks where the headset says. */
species unity_player parent: abstract_unity_player {
    float player_size <- 1.0;
    rgb color <- #dodgerblue;

    aspect default {
        draw circle(player_size) color: color;
    }
}

/** On the screen alone. */
experiment main type: gui {
    output {
        display place {
            graphics dry { draw circle(5) at: hill color: #seagreen; }
            species person;
        }
    }
}

/** With headsets. */
experiment vr_xp parent: main type: unity {
    string unity_linker_species <- string(unity_linker);

    action create_player(string id) {
        ask unity_linker {
            do create_player(id);
        }
    }

    action remove_player(string id) {
        ask unity_player where (each.name = id) {
            do die;
        }
    }
}
