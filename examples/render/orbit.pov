// Three balls that circle a mirror; clock goes from 0 to 1 once around.
#version 3.7;
#include "colors.inc"
#include "textures.inc"
#include "metals.inc"

global_settings { assumed_gamma 1.0 max_trace_level 8 }

camera { location <0, 3, -7> look_at <0, 0.6, 0> angle 45 }
light_source { <-6, 9, -8> rgb 1.1 area_light <1.5, 0, 0>, <0, 1.5, 0>, 4, 4 jitter adaptive 1 }
background { rgb <0.05, 0.06, 0.1> }

plane { y, 0 pigment { checker rgb 0.85 rgb <0.2, 0.25, 0.35> } finish { reflection 0.15 } }
sphere { <0, 1, 0>, 1 texture { T_Chrome_4E } }

#declare I = 0;
#while (I < 3)
  sphere {
    <2, 0.45, 0>, 0.45
    #switch (I)
      #case (0) pigment { Red } #break
      #case (1) texture { Cherry_Wood scale 0.4 } #break
      #else texture { T_Gold_3C }
    #end
    finish { phong 0.8 }
    rotate y * (120 * I + 360 * clock)
  }
  #declare I = I + 1;
#end
